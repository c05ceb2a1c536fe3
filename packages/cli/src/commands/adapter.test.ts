/** The commands with an adapter: eval, score, model merge and info, in this process. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Rng, systemClock } from "@gumshoe/core";
import { adapterLayout, openModelFolder, withAdapter, writeAdapterFolder } from "@gumshoe/engine";
import { weightDigestOf } from "@gumshoe/tensors";
import { afterEach, beforeEach, expect, test } from "vitest";

import { runCommandLine } from "../command-line.js";
import { makeModel } from "../model/new-model.js";

const ROOKIE = join(import.meta.dirname, "../../../..", "models/rookie");
const SHAPE = {
  hidden_size: 16,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
};
const ADAPTER = { rank: 2, alpha: 4, targets: ["q_proj", "v_proj", "down_proj"] } as const;

let folder: string;
let base: string;
let adapter: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-adapter-"));
  [base, adapter] = [join(folder, "base"), join(folder, "adapter")];
  await makeModel({ out: base, tokenizer: ROOKIE, family: "qwen2", shape: SHAPE, seed: 1 });
  await writeAdapter();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes an adapter of the base whose B is not 0. */
async function writeAdapter(): Promise<void> {
  const model = await openModelFolder(base);
  const config = withAdapter(model.config, ADAPTER);
  const rng = new Rng(3);
  await writeAdapterFolder(adapter, {
    adapter: ADAPTER,
    base: { name: base, revision: null },
    config,
    baseDigest: await weightDigestOf(model.layout.numParameters, model.readParameters),
    parameters: new Float32Array(adapterLayout(config).numParameters).map(
      () => rng.uniform() - 0.5,
    ),
    assets: {},
  });
  await model.close();
}

async function gumshoe(...words: string[]) {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isScreen: false,
    columns: 200,
  };
  const context = { terminal, env: { PATH: "" }, clock: systemClock, workingFolder: folder };
  const code = await runCommandLine(words, context);
  return { code, out, err };
}

async function logprobs(...words: string[]): Promise<number[]> {
  const data = join(folder, "answers.jsonl");
  writeFileSync(data, JSON.stringify({ promptIds: [5, 6, 7], answerIds: [8, 9, 10, 11] }));
  const { out, err } = await gumshoe("score", ...words, "--data", data, "--json");
  expect(err).toBe("");
  return (JSON.parse(out) as { scores: { logprobs: number[] }[] }).scores[0]?.logprobs ?? [];
}

test("a merged model scores as the adapter on its base does, and the base otherwise", async () => {
  const own = await logprobs("--adapter", adapter);
  expect(await logprobs("--model", base, "--adapter", adapter)).toEqual(own);
  const merged = join(folder, "merged");
  expect((await gumshoe("model", "merge", base, adapter, merged)).code).toBe(0);
  const [whole, without] = [await logprobs("--model", merged), await logprobs("--model", base)];
  const distance = (others: number[]) => Math.max(...own.map((v, i) => Math.abs(v - others[i]!)));
  expect(distance(whole)).toBeLessThan(1e-5);
  expect(distance(without)).toBeGreaterThan(1e-3);
  const again = await gumshoe("model", "merge", base, adapter, merged);
  expect([again.code, again.err]).toEqual([2, expect.stringContaining("holds a model already")]);
  const half = join(folder, "half");
  await gumshoe("model", "merge", base, adapter, half, "--dtype", "bfloat16");
  const model = await openModelFolder(half);
  await model.close();
  expect(model.format).toBe("BF16");
});

test("eval uses an adapter and says so", async () => {
  const cases = join(folder, "cases.json");
  const record = { num_clues: 1, prompt: "A. Who killed Mr. Boddy?", solution: { A: "Rose" } };
  writeFileSync(cases, JSON.stringify([record]));
  const words = ["--data", cases, "--max-tokens", "4", "--json"];
  const { code, out } = await gumshoe("eval", "--adapter", adapter, ...words);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ model: base, adapter, answers: 1 });
});

test("info tells an adapter's rank, targets and base model, and that a copy is not whole", async () => {
  const { code, out } = await gumshoe("model", "info", adapter);
  expect(code).toBe(0);
  expect(out).toMatch(
    /LoRA of rank 2, alpha 4[^]*base model +\S+base\n[^]*q_proj, v_proj, down_proj/,
  );
  const half = join(folder, "half");
  mkdirSync(half);
  copyFileSync(join(adapter, "adapter_config.json"), join(half, "adapter_config.json"));
  const found = await gumshoe("model", "info", half, "--json");
  expect(found.code).toBe(1);
  expect(JSON.parse(found.out)).toMatchObject({
    kind: "adapter",
    problems: [`${join(half, "adapter_model.safetensors")} does not exist`],
  });
});

test("an adapter of other weights is refused with both digests, and nothing is written", async () => {
  const other = join(folder, "other");
  await makeModel({ out: other, tokenizer: ROOKIE, family: "qwen2", shape: SHAPE, seed: 2 });
  const out = join(folder, "merged");
  const { code, err } = await gumshoe("model", "merge", other, adapter, out);
  expect(code).toBe(2);
  expect(err).toMatch(
    /adapter is an adapter of another base model than \S+other: it was trained on weights [0-9a-f]{12}\.\.\., and these are [0-9a-f]{12}\.\.\./,
  );
  expect(existsSync(out)).toBe(false);
});

test("a run on an adapter folder is refused, and told of the merge", async () => {
  const file = join(folder, "run.yaml");
  writeFileSync(file, `{ type: grpo, model: ${adapter}, tasks: { source: { type: generate } } }`);
  const { code, err } = await gumshoe("plan", file);
  expect(code).toBe(2);
  expect(err).toMatch(/^gumshoe: model: .*adapter/);
  const rank = `{ type: grpo, model: ${base}, lora: { rank: 17 }, tasks: { source: { type: generate } } }`;
  writeFileSync(file, rank);
  expect((await gumshoe("plan", file)).err).toBe(
    "gumshoe: lora.rank: is 17; it must be from 1 to the model's width, 16\n",
  );
});
