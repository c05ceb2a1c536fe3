import { mkdtempSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import type { InputSource, RunInputs } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { fileDigest } from "../ledger/file-digest.js";
import { checkSameInputs, isStale, readInputs } from "./run-identity.js";

const LARGE_BYTES = 17 * 1024 * 1024;
const SOURCE: InputSource = {
  field: "tasks.source.file",
  file: "cases.jsonl",
  sha256: "a1".repeat(32),
};

let folder: string;
let hashed: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "identity-"));
  hashed = [];
  writeFileSync(join(folder, "config.json"), "{}");
  writeFileSync(join(folder, "tokenizer.json"), "{}");
  writeFileSync(join(folder, "README.md"), "is not read");
  writeFileSync(join(folder, "model.safetensors"), "weights");
  truncateSync(join(folder, "model.safetensors"), LARGE_BYTES);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (type: "grpo" | "sft", rest = "") =>
  parseRunConfig(
    `{ name: same, type: ${type}, model: "${folder}", ${rest}
      ${type === "grpo" ? "tasks" : "examples"}: { source: { type: generate, tier: mini } } }`,
  );

function read(known: RunInputs | null = null, sources: readonly InputSource[] = [SOURCE]) {
  hashed = [];
  const hash = (file: string) => {
    hashed.push(basename(file));
    return fileDigest(file);
  };
  return readInputs(configOf("grpo"), sources, { hash, known });
}

test("all files of a model are recorded, and a large one is not hashed twice", async () => {
  const first = await read();
  expect(hashed).toEqual(["config.json", "tokenizer.json", "model.safetensors"]);
  const again = await read(first);
  expect(hashed).toEqual(["config.json", "tokenizer.json"]);
  expect(again).toEqual(first);
  expect(isStale(first, again)).toBe(false);
});

test("a change of large weights in place is detected, though size and modification time are the same", async () => {
  const file = join(folder, "model.safetensors");
  const first = await read();
  const { atime, mtime } = statSync(file);
  writeFileSync(file, "Weights", { flag: "r+" });
  utimesSync(file, atime, mtime);
  const changed = await read(first);
  expect(hashed).toContain("model.safetensors");
  expect(() => checkSameInputs(configOf("grpo"), first, changed)).toThrow(
    new RegExp(
      `^model: ${file} has changed since this run began \\(SHA-256 \\w{12}\\.\\.\\., it was`,
    ),
  );
});

test("a file that was only touched is unchanged, and its record is renewed", async () => {
  const first = await read();
  utimesSync(join(folder, "model.safetensors"), 1, 1);
  const touched = await read(first);
  checkSameInputs(configOf("grpo"), first, touched);
  expect(isStale(first, touched)).toBe(true);
  expect(isStale(touched, await read(touched))).toBe(false);
});

test("added and removed files are named", async () => {
  const first = await read();
  writeFileSync(join(folder, "chat_template.jinja"), "hello");
  const more = await read();
  const config = configOf("grpo");
  expect(() => checkSameInputs(config, first, more)).toThrow(
    `model: ${join(folder, "chat_template.jinja")} was not there when this run began: put back`,
  );
  expect(() => checkSameInputs(config, more, first)).toThrow(
    "is missing; it was there when this run began",
  );
});

test("a source with other content is rejected by field", async () => {
  const first = await read();
  const other = { ...SOURCE, sha256: "b2".repeat(32) };
  const check = (before: InputSource, now: InputSource) => () =>
    checkSameInputs(
      configOf("grpo"),
      { ...first, sources: [before] },
      { ...first, sources: [now] },
    );
  expect(check(SOURCE, other)).toThrow(
    "tasks.source.file: cases.jsonl has changed since this run began " +
      "(SHA-256 b2b2b2b2b2b2..., it was a1a1a1a1a1a1...): put back what it was, give the run " +
      "another name, or begin it anew with --fresh",
  );
  const module = { ...SOURCE, field: "validation.source.module", file: "a.mjs" };
  expect(check(module, { ...module, sha256: "c3" })).toThrow(
    "validation.source.module: a.mjs, or a file that it imports, has changed since this run began",
  );
  // The same content at another path is the same source.
  expect(check(SOURCE, { ...SOURCE, file: "elsewhere.jsonl" })).not.toThrow();
});

test("for a new model only the tokenizer of its folder is recorded", async () => {
  const size = "hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1";
  const heads = "num_attention_heads: 2, num_key_value_heads: 1";
  const init = `init: { type: new, seed: 1, config: { ${size}, ${heads} } },`;
  const { model } = await readInputs(configOf("sft", init), [], { hash: fileDigest });
  expect(model.map(({ file }) => file)).toEqual(["tokenizer.json"]);
});
