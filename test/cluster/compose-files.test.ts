/**
 * The files that containers of the compose files receive. deploy/smoke.sh tests the containers
 * themselves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { compiledKernels } from "@gumshoe/kernels";
import { expect, test } from "vitest";
import { parse } from "yaml";

import { ROOT } from "../support/gumshoe.js";

interface Service {
  readonly build?: { readonly target?: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly mem_limit?: string;
  readonly volumes?: readonly string[];
}

function services(file: string): Record<string, Service> {
  const text = readFileSync(join(ROOT, file), "utf8");
  return (parse(text, { merge: true }) as { services: Record<string, Service> }).services;
}

test("only the job that makes certificates receives the authority's key", () => {
  const opened = services("deploy/compose.cluster.yml");
  const withAuthority = Object.entries(opened).filter(([, { volumes = [] }]) =>
    volumes.some((volume) => volume.startsWith("authority:")),
  );
  expect(withAuthority.map(([name]) => name)).toEqual(["secrets"]);
  const script = opened["secrets"]?.command?.at(-1) ?? "";
  expect(script).toContain("gumshoe certs /authority/certs");
  expect(script).toContain("rm -rf /secrets/certs/ca");
  expect(script).not.toMatch(/install [^\n]*(44|66|77|-m 64)4/);
});

test("workers with a GPU run in an image with compiled kernels", () => {
  const targets = Object.values(services("deploy/compose.gpu.yml")).map(({ build }) => build);
  expect(targets).toEqual([{ target: "gpu" }, { target: "gpu" }]);
  const image = readFileSync(join(ROOT, "deploy/Dockerfile"), "utf8");
  expect(image).toContain("FROM runtime AS gpu");
  const kept = "/gumshoe/packages/kernels/build/cuda/compiled";
  expect(image).toContain(`--from=cuda-kernels ${kept} `);
  expect(compiledKernels()).toContain(kept.replace("/gumshoe/", "/"));
});

test("Redis reaches its own memory limit before the container's", () => {
  const program = readFileSync(join(ROOT, "deploy/make-secrets.mjs"), "utf8");
  const [, megabytes = ""] = /"maxmemory (\d+)mb"/.exec(program) ?? [];
  const limit = Number.parseInt(services("docker-compose.yml")["redis"]?.mem_limit ?? "0");
  expect(Number(megabytes)).toBeGreaterThan(0);
  expect(Number(megabytes)).toBeLessThanOrEqual(limit / 2);
  expect(program).toContain("maxmemory-policy noeviction");
  expect(program).not.toContain("0o444");
});

test("configs may name files in the mounted folders only", () => {
  const { environment, volumes = [] } = services("docker-compose.yml")["coordinator"] ?? {};
  const allowed = environment?.["GUMSHOE_DATA"]?.split(":") ?? [];
  const mounted = volumes.map((volume) => volume.split(":")[1]);
  expect(allowed.length).toBeGreaterThan(0);
  expect(mounted).toEqual(expect.arrayContaining(allowed));
});
