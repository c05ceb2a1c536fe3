import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { InvalidArgumentError } from "@gumshoe/core";
import { checkRunConfig } from "@gumshoe/config";
import { afterEach, beforeEach, expect, test } from "vitest";

import { checkModel, openRunModel } from "./run-model.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
let dir = "";

beforeEach(async () => {
  dir = join(await mkdtemp(join(tmpdir(), "gumshoe-run-model-")), "model");
  await cp(ROOKIE, dir, { recursive: true });
});
afterEach(async () => {
  await rm(join(dir, ".."), { recursive: true });
});

async function change(file: string, fields: Record<string, unknown>): Promise<void> {
  const json = JSON.parse(await readFile(join(dir, file), "utf8")) as object;
  await writeFile(join(dir, file), JSON.stringify({ ...json, ...fields }));
}

async function refusal(): Promise<string> {
  const source = { type: "generate" };
  const config = { name: "model", type: "grpo", model: dir, tasks: { source } };
  const thrown: unknown = await checkModel(checkRunConfig(config)).catch((error: unknown) => error);
  if (thrown instanceof InvalidArgumentError) return thrown.message;
  throw new Error(`not refused: ${String(thrown)}`);
}

test("a folder without a tokenizer is rejected by field and folder", async () => {
  await rm(join(dir, "tokenizer.json"));
  expect(await refusal()).toBe(`model: ${dir} has no tokenizer.json`);
  await writeFile(join(dir, "tokenizer.model"), "");
  expect(await refusal()).toMatch(/holds tokenizer.model.*python -c.*save_pretrained/);
});

test("a folder without config.json, and a missing folder, are rejected by field", async () => {
  await rm(join(dir, "config.json"));
  expect(await refusal()).toMatch(/^model: .*config.json is missing/);
  await rm(dir, { recursive: true });
  expect(await refusal()).toBe(`model: ${dir} does not exist`);
});

test.each([NaN, -Infinity])("a weight that is %s is rejected by field", async (value) => {
  const file = join(dir, "model.safetensors");
  const bytes = await readFile(file);
  bytes.writeFloatLE(value, bytes.length - 4);
  await writeFile(file, bytes);
  expect(await refusal()).toMatch(
    new RegExp(`^model: ${file}: tensor .* is ${value} at .*diverged or are damaged$`),
  );
});

test("a tokenizer with more ids than the model has embedding rows is rejected", async () => {
  const file = join(dir, "tokenizer.json");
  const json = JSON.parse(await readFile(file, "utf8")) as { added_tokens: object[] };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  json.added_tokens.push({ id: 495, content: "<|more|>", special: true, ...flags });
  await writeFile(file, JSON.stringify(json));
  expect(await refusal()).toMatch(/^model: .*has ids up to 495, but config.json vocab_size is 495/);
});

test("a folder in which no file names an end token is rejected with the field to set", async () => {
  await change("config.json", { eos_token_id: null });
  await change("tokenizer_config.json", { eos_token: null, pad_token: null });
  expect(await refusal()).toMatch(/^model: .*names no end token.*set eos_token_id in config.json/);
});

test("a config field that changes the computation and is not supported is rejected", async () => {
  await change("config.json", { logit_scale: 0.5 });
  expect(await refusal()).toMatch(/^model: .*config.json: logit_scale is 0.5/);
});

test("a rank above the width is rejected by field, an adapter folder with the command that merges it", async () => {
  const source = { type: "generate" };
  const config = { name: "model", type: "grpo", model: dir, tasks: { source } };
  await expect(checkModel(checkRunConfig({ ...config, lora: { rank: 193 } }))).rejects.toThrow(
    "lora.rank: is 193; it must be from 1 to the model's width, 192",
  );
  await rm(join(dir, "config.json"));
  await writeFile(join(dir, "adapter_config.json"), "{}");
  expect(await refusal()).toMatch(/^model: .*config.json is missing.*gumshoe model merge/);
});

test("a new adapter is the seed's, is written once, and states the digest of its base", async () => {
  const source = { type: "generate" };
  const lora = { rank: 2, targets: ["q_proj"] };
  const open = async (seed: number, folder: string) => {
    const config = { name: "model", type: "grpo", model: dir, tasks: { source }, lora, seed };
    const model = await openRunModel(checkRunConfig(config), folder);
    return { model, bytes: await readFile(join(model.folder, "adapter_model.safetensors")) };
  };
  const runs = join(dir, "..");
  const first = await open(1, runs);
  expect(first.model.folder).toBe(join(runs, "initial"));
  expect(first.bytes.includes(first.model.base?.digest ?? "none")).toBe(true);
  expect(first.model.layout.numParameters).toBe(4 * 2 * (192 + 192));
  const written = await stat(join(first.model.folder, "adapter_model.safetensors"));
  expect((await open(1, runs)).bytes.equals(first.bytes)).toBe(true);
  expect((await stat(join(first.model.folder, "adapter_model.safetensors"))).mtimeMs).toBe(
    written.mtimeMs,
  );
  await mkdir(join(runs, "other"));
  expect((await open(2, join(runs, "other"))).bytes.equals(first.bytes)).toBe(false);
});
