import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { Tokenizer } from "./tokenizer.js";

interface Golden {
  readonly name: string;
  readonly tokenizer: { readonly model: { vocab: object; merges: [string, string][] } };
  readonly rows: readonly (readonly [string, readonly number[]])[];
}

const FILE = new URL("../../../../test/golden/tokenizers/cases.json.gz", import.meta.url);
const golden = JSON.parse(gunzipSync(readFileSync(FILE)).toString()) as Golden[];

/** The files of an older folder: a golden tokenizer's vocabulary and class. */
function filesOf(name: string, config: object, modelType: string): Record<string, string> {
  const model = golden.find((one) => one.name === name)?.tokenizer.model;
  if (model === undefined) throw new Error(`no ${name}`);
  return {
    "vocab.json": JSON.stringify(model.vocab),
    "merges.txt": `#version: 0.2\n${model.merges.map((pair) => pair.join(" ")).join("\n")}\n`,
    "tokenizer_config.json": JSON.stringify(config),
    "config.json": JSON.stringify({ model_type: modelType }),
  };
}

// Checked with AutoTokenizer of Transformers 5.24: these are the ids of its classes. The golden tokenizers have
// more special tokens, so texts that contain one are left out.
test.each([
  ["qwen2", { tokenizer_class: "Qwen2Tokenizer" }, "qwen2"],
  ["qwen2", { tokenizer_class: "PreTrainedTokenizerFast" }, "qwen3"],
  ["qwen2", {}, "qwen2"],
  ["gpt2", { tokenizer_class: "GPT2Tokenizer" }, "llama"],
])(
  "vocab.json and merges.txt of %s with %j are read as Transformers reads them",
  (name, config, modelType) => {
    const tokenizer = Tokenizer.fromAssets(filesOf(name, config, modelType));
    const rows = golden.find((one) => one.name === name)?.rows ?? [];
    const plain = rows.filter(([text]) => !/<[^ ]*>/.test(text));
    expect(plain.length).toBeGreaterThan(50);
    for (const [text, ids] of plain) {
      expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(name === "qwen2" ? text.normalize("NFC") : text);
    }
  },
);

test("special tokens that the vocabulary lacks get the next ids", () => {
  const tokenizer = Tokenizer.fromAssets(filesOf("qwen2", {}, "qwen2"));
  expect(tokenizer.encode("<|endoftext|>")).toEqual([420]);
  expect(tokenizer.stopTokenIds).toEqual([420]);
  const decoder = { 500: { content: "<think>", special: false } };
  const gap = filesOf("qwen2", { added_tokens_decoder: decoder }, "qwen2");
  expect(() => Tokenizer.fromAssets(gap)).toThrow(/<think>.*500, not 420/);
});

test("a class whose files are not supported is refused by name", () => {
  const files = filesOf("gpt2", { tokenizer_class: "RobertaTokenizer" }, "llama");
  expect(() => Tokenizer.fromAssets(files)).toThrow("RobertaTokenizer");
});
