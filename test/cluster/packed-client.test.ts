/** The packages that users install, installed from their tarballs into an empty folder. */
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { PROGRAMS } from "../support/documented-programs.js";
import { FakeCluster, ROOT, TOKEN } from "../support/fake-cluster.js";
import { PackedProject } from "../support/packed-project.js";

const PACKAGES = ["core", "config", "protocol", "rpc", "puzzles", "client", "environments"];
// The compiler takes half a minute on a machine with much other work.
vi.setConfig({ testTimeout: 120_000 });

const project = await PackedProject.create(PACKAGES);
if (project === null) {
  console.warn("skipped: packages installed from tarballs; the npm registry cannot be reached");
}
const here = (name: string) => join(project?.folder ?? "", name);

let cluster: FakeCluster | null = null;
beforeAll(async () => {
  if (project === null) return;
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
});
afterAll(async () => {
  project?.remove();
  await cluster?.close();
});

/** The example of a package's README. */
function readmeExample(name: string): string {
  const page = readFileSync(here(`node_modules/@gumshoe/${name}/README.md`), "utf8");
  return /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
}

test.skipIf(project === null)("hold what was built, their licence, and no tests", () => {
  for (const name of PACKAGES) {
    const folder = here(`node_modules/@gumshoe/${name}`);
    expect(existsSync(join(folder, "dist/index.d.ts"))).toBe(true);
    expect(existsSync(join(folder, "src/index.ts"))).toBe(true);
    expect(readFileSync(join(folder, "LICENSE"))).toEqual(readFileSync(join(ROOT, "LICENSE")));
  }
  expect(existsSync(here("node_modules/@gumshoe/client/src/gumshoe-client.test.ts"))).toBe(false);
});

test.skipIf(project === null)(
  "their README's examples and the example program compile",
  async () => {
    writeFileSync(here("client.ts"), readmeExample("client"));
    writeFileSync(here("environment.ts"), readmeExample("environments"));
    writeFileSync(here("train.ts"), PROGRAMS.typescript);
    const options = JSON.parse(
      readFileSync(join(ROOT, "examples/client-typescript/tsconfig.json"), "utf8"),
    ) as { compilerOptions: object };
    const typeRoots = [join(ROOT, "node_modules/@types")];
    const compilerOptions = { ...options.compilerOptions, typeRoots, outDir: "." };
    const files = ["client.ts", "environment.ts", "train.ts"];
    writeFileSync(here("tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const { stdout } = await project!.node([join(ROOT, "node_modules/typescript/bin/tsc")]);
    expect(stdout).toBe("");
  },
);

test.skipIf(project === null)(
  "the program trains on a cluster, and names what is wrong",
  async () => {
    writeFileSync(here("run.json"), cluster!.config());
    const env = { GUMSHOE_ADDRESS: cluster!.address, GUMSHOE_TOKEN: TOKEN };
    const refused = await project!.node(["train.js", "run.json", "model"], {
      ...env,
      GUMSHOE_TOKEN: "another",
    });
    expect(refused).toMatchObject({ code: 1, stderr: "UNAUTHENTICATED: the token is wrong\n" });
    const done = await project!.node(["train.js", "run.json", "model"], env);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(done.stdout).toMatch(/^run small: 3 iterations\n(.*\n)*iteration \d is in .*model\n$/);
    expect(existsSync(here("model/model.safetensors"))).toBe(true);
  },
);

test.skipIf(project === null)("an environment's tests run beside its module", async () => {
  cpSync(join(ROOT, "examples/environment"), here("environment"), { recursive: true });
  const { code, stdout } = await project!.node(["--test", "environment/tallest.test.mjs"]);
  expect({ code, passed: /^# pass (\d+)$/m.exec(stdout)?.[1] }).toEqual({ code: 0, passed: "4" });
});
