import { expect, test } from "vitest";

import { Tokenizer } from "./tokenizer.js";
import { trainByteLevelBpe } from "./train-byte-level-bpe.js";

const TEXTS = [
  "Miss Scarlet moved from the Hall to the Study at 9:30 PM.\n",
  "Miss Scarlet and Mrs. Peacock were in the Study together.\n",
  "Mrs. Peacock moved from the Study to the Hall at 10:00 PM.<end>",
];
const OPTIONS = { vocabularySize: 330, specialTokens: ["<pad>", "<end>"] };

function load(json: unknown): Tokenizer {
  return Tokenizer.fromAssets({ "tokenizer.json": JSON.stringify(json) });
}

test("every text is decoded unchanged, seen in training or not", () => {
  const tokenizer = load(trainByteLevelBpe(TEXTS, OPTIONS));
  for (const text of [
    ...TEXTS,
    "",
    "  two\t\r\n\n lines ",
    "Who, héros? 你好 🙂 \u0000",
    "don't",
  ]) {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

test("frequent names become single tokens, special tokens keep the first ids", () => {
  const tokenizer = load(trainByteLevelBpe(TEXTS, OPTIONS));
  expect(tokenizer.encode(" Scarlet Peacock Study").length).toBe(3);
  expect(tokenizer.encode("x<end><pad>").slice(1)).toEqual([1, 0]);
  expect(tokenizer.vocabularySize).toBeLessThanOrEqual(330);
});

test("the most frequent pair is merged first, the smaller ids among equals", () => {
  const json = trainByteLevelBpe(["abab abab", "cbcb cbcb", "abc"], {
    vocabularySize: 259,
    specialTokens: [],
  });
  // Pairs: ab 5, ba 2, bc 3, cb 4 within words; then "ab"+"ab" and the space before it.
  expect((json["model"] as { merges: string[] }).merges).toEqual(["a b", "c b", "ab ab"]);
});

test("the same texts give the same file; too few texts give fewer tokens", () => {
  const once = JSON.stringify(trainByteLevelBpe(TEXTS, OPTIONS));
  expect(JSON.stringify(trainByteLevelBpe(TEXTS, OPTIONS))).toBe(once);
  const large = load(trainByteLevelBpe(TEXTS, { ...OPTIONS, vocabularySize: 5000 }));
  expect(large.vocabularySize).toBeLessThan(500);
});

test("a special token is never part of a merge", () => {
  const texts = ["<end><end><end>", "the<end>the<end>"];
  const json = trainByteLevelBpe(texts, { vocabularySize: 300, specialTokens: ["<end>"] });
  expect((json["model"] as { merges: string[] }).merges).toEqual(["h e", "t he"]);
});

test.each([
  ["vocabularySize", { vocabularySize: 256, specialTokens: ["<end>"] }],
  ["specialTokens", { vocabularySize: 300, specialTokens: ["<end>", "<end>"] }],
  ["specialTokens", { vocabularySize: 300, specialTokens: [""] }],
  ["specialTokens", { vocabularySize: 300, specialTokens: ["a"] }],
])("an impossible %s is refused", (field, options) => {
  expect(() => trainByteLevelBpe(TEXTS, options)).toThrow(field);
});
