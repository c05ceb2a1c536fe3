import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { Rng } from "@gumshoe/core";
import { Tokenizer } from "@huggingface/tokenizers";
import { expect, test } from "vitest";

import { checkTokenizer } from "./check-tokenizer.js";
import { createTextTokenizer, type TextTokenizer } from "./text-tokenizer.js";
import type { JsonObject } from "./tokenizer-files.js";

const FILE = new URL("../../../../test/golden/tokenizers/cases.json.gz", import.meta.url);
const golden = JSON.parse(gunzipSync(readFileSync(FILE)).toString()) as {
  readonly name: string;
  readonly tokenizer: JsonObject;
}[];

/** The unmodified library; TypeScript cannot resolve its types. */
const Library = Tokenizer as unknown as new (
  tokenizer: JsonObject,
  config: JsonObject,
) => TextTokenizer;

/** Our tokenizers by name, each beside the library's own; refused kinds are left out. */
const pairs = golden.flatMap(({ name, tokenizer }) => {
  try {
    const json = checkTokenizer(tokenizer);
    return [{ name, ours: createTextTokenizer(json, {}), library: new Library(json, {}) }];
  } catch {
    return [];
  }
});

test.each(pairs)("$name: long words give the same ids as the library's", ({ ours, library }) => {
  const rng = new Rng(7, 1);
  for (let i = 0; i < 8; i++) {
    const letters = rng.shuffle(["a", "b", "the", "ing", "e", "1", "\n", "é", "한", ".", "\u0000"]);
    const some = letters.slice(0, rng.between(1, 4));
    const text = Array.from({ length: 400 }, () => rng.pick(some)).join("");
    expect(ours.encode(text, { add_special_tokens: false }).ids, JSON.stringify(text)).toEqual(
      library.encode(text, { add_special_tokens: false }).ids,
    );
  }
});

test.each(pairs.filter(({ name }) => name === "unigram metaspace"))(
  "$name: a word of many thousand tokens does not exceed the arguments of a call",
  ({ ours }) => {
    const { ids } = ours.encode("a1".repeat(70_000), { add_special_tokens: false });
    expect(ids.length).toBeGreaterThan(60_000);
  },
);
