import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { afterAll, beforeAll, expect, test } from "vitest";

import { AllowedFolders } from "./allowed-folders.js";

const root = mkdtempSync(join(tmpdir(), "gumshoe-allowed-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const data = join(root, "data");
const home = join(data, ".gumshoe");
const allowed = new AllowedFolders({ folders: [data, join(root, "not-there")], home });

beforeAll(() => {
  for (const folder of [
    "data/model",
    "data/piped",
    "data/.gumshoe/logs",
    "data/.gumshoe/runs/a/blobs",
    "data/.gumshoe/runs/a/checkpoints/10",
    "database/model",
    "outside",
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const file of [
    "data/cases.jsonl",
    "data/grader.mjs",
    "data/.gumshoe/token",
    "data/.gumshoe/grader.mjs",
    "data/.gumshoe/runs/a/blobs/0a1b",
    "outside/secret",
    "outside/grader.mjs",
  ]) {
    writeFileSync(join(root, file), "secret");
  }
  symlinkSync(join(root, "outside/grader.mjs"), join(data, "linked.mjs"));
  symlinkSync(join(root, "outside"), join(data, "linked"));
  symlinkSync(join(data, "model"), join(root, "way-in"));
  spawnSync("mkfifo", [join(data, "pipe"), join(data, "piped/model.safetensors")]);
});

interface Named {
  readonly model?: string;
  readonly file?: string;
  readonly module?: string;
}

/** Returns what is wrong with a config that names these paths; null for nothing. */
async function problem({ model = "model", file, module }: Named): Promise<string | null> {
  const place = (path: string) => join(root, path);
  const source =
    module !== undefined
      ? { type: "module", module: place(module) }
      : file !== undefined
        ? { type: "dataset", file: place(file) }
        : { type: "generate" };
  const tasks = { source };
  const config = { type: "grpo", name: "a", model: place(model), tasks };
  const parsed = parseRunConfig(JSON.stringify(config));
  return allowed.check(parsed).then(
    () => null,
    (error: Error) => error.message,
  );
}

test.each([
  { model: "data/model" },
  { model: "way-in" },
  { model: "data/model/../model" },
  { model: "data/.gumshoe/runs/a/checkpoints/10" },
  { model: "data/model", file: "data/cases.jsonl" },
  { model: "data/model", module: "data/grader.mjs" },
])("%j is allowed", async (named) => {
  expect(await problem(named)).toBe(null);
});

test.each([
  { model: "outside" },
  { model: "outside/nowhere" },
  { model: "database/model" },
  { model: "data/../outside" },
  { model: "data/linked" },
  { model: "data/linked/nowhere" },
  { model: "data/.gumshoe" },
  { model: "data/.gumshoe/runs/a" },
  { model: "data/.gumshoe/runs/a/blobs" },
  { model: "data/.gumshoe/runs/a/checkpoints" },
  { model: "data/.gumshoe/runs/a/checkpoints/10/../../blobs" },
  { model: "data/model", file: "outside/secret" },
  { model: "data/model", file: "data/.gumshoe/token" },
  { model: "data/model", module: "data/linked.mjs" },
  { model: "data/model", module: "data/.gumshoe/grader.mjs" },
  { model: "data/model", module: "data/.gumshoe/runs/a/blobs/0a1b" },
])("%j is rejected with the field, the folders and the setting", async (named) => {
  const said = await problem(named);
  const field =
    "module" in named ? "tasks.source.module" : "file" in named ? "tasks.source.file" : "model";
  expect(said).toContain(`${field}: ${root}/`);
  expect(said).toContain(`is not below a folder that this cluster allows: ${data}, `);
  expect(said).toContain("GUMSHOE_DATA");
});

test.each([
  { model: "data/nowhere" },
  { model: "data/model", file: "data/nowhere.jsonl" },
  { model: "data/model", module: "data/cases.jsonl/nowhere.mjs" },
])("the missing %j is rejected with field and path", async (named) => {
  const [field, path] =
    "module" in named
      ? ["tasks.source.module", named.module]
      : "file" in named
        ? ["tasks.source.file", named.file]
        : ["model", named.model];
  expect(await problem(named)).toBe(`${field}: there is no ${join(root, path ?? "")}`);
});

test("the rejection of a relative path names the folder that it is relative to", async () => {
  const here = new AllowedFolders({ folders: [process.cwd()], home });
  const refusal = (model: string) => {
    const tasks = { source: { type: "generate" } };
    const config = parseRunConfig(JSON.stringify({ type: "grpo", name: "a", model, tasks }));
    return here.check(config).then(
      () => null,
      (error: Error) => error.message,
    );
  };
  const base = `(the coordinator was started in ${process.cwd()})`;
  expect(await refusal("models/nowhere")).toBe(`model: there is no models/nowhere ${base}`);
  expect(await refusal("../models")).toContain(`model: ../models ${base} is not below a folder`);
});

test("a path outside is rejected with the same message whether or not it exists", async () => {
  const there = await problem({ model: "outside" });
  const missing = await problem({ model: "inside" });
  expect(there?.replace("outside", "inside")).toBe(missing);
});

test("a file in the home that the owner allowed is accepted, its neighbour is not", async () => {
  const own = new AllowedFolders({ folders: [data, join(home, "grader.mjs")], home });
  const config = (module: string) =>
    parseRunConfig(
      JSON.stringify({
        type: "grpo",
        name: "a",
        model: join(data, "model"),
        tasks: { source: { type: "module", module } },
      }),
    );
  await own.check(config(join(home, "grader.mjs")));
  await expect(own.check(config(join(home, "token")))).rejects.toThrow("is not below a folder");
});

test("a module with another extension, a pipe, and a folder with a pipe are never opened", async () => {
  const model = "data/model";
  expect(await problem({ model, module: "data/cases.jsonl" })).toContain("ends in .mjs or .js");
  expect(await problem({ model, file: "data/pipe" })).toContain("data/pipe is no regular file");
  expect(await problem({ model, file: "data/model" })).toContain("data/model is no regular file");
  expect(await problem({ model: "data/cases.jsonl" })).toContain("is no folder");
  expect(await problem({ model: "data/piped" })).toContain("model.safetensors is no regular file");
});
