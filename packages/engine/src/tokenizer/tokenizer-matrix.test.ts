import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { expect, test } from "vitest";

import { TokenizerError } from "../errors.js";
import { Tokenizer } from "./tokenizer.js";

interface Golden {
  readonly name: string;
  readonly tokenizer: object;
  /** Text, its ids, their text, and their text without special tokens. */
  readonly rows: readonly (readonly [string, readonly number[], string, string])[];
}

const FILE = new URL("../../../../test/golden/tokenizers/cases.json.gz", import.meta.url);
const golden = JSON.parse(gunzipSync(readFileSync(FILE)).toString()) as Golden[];

/** Refused kinds, with what the message names. */
const REFUSED = new Map([
  ["gpt2, prefix space", "add_prefix_space"],
  ["olmo, special flags", "single_word"],
  ["added, normalized", "normalizes the added token"],
  ["llama 2, normalized tokens", "normalizes the added token"],
  ["unigram, nmt", "Nmt"],
  ["bert", "WordPiece"],
  ["bert, cased", "WordPiece"],
  ["wordpiece", "WordPiece"],
  ["whitespace split", "WordPiece"],
  ["split removed", "Removed"],
  ["split next", "MergedWithNext"],
  ["split contiguous", "Contiguous"],
  ["split inverted", "\\w"],
  ["char delimiter", "CharDelimiterSplit"],
  ["unicode scripts", "UnicodeScripts"],
  ["word level", "WordLevel"],
  ["clip", "Lowercase"],
]);

function make(tokenizer: object): Tokenizer {
  return Tokenizer.fromAssets({ "tokenizer.json": JSON.stringify(tokenizer) });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TokenizerError) return error.message;
    throw error;
  }
  return "nothing was refused";
}

test.each(golden.filter(({ name }) => !REFUSED.has(name)))(
  "$name gives the ids and texts of the Rust library",
  ({ tokenizer, rows }) => {
    const made = make(tokenizer);
    for (const [text, ids, decoded, plain] of rows) {
      expect(made.encode(text), JSON.stringify(text)).toEqual(ids);
      expect(made.decode(ids)).toBe(decoded);
      expect(made.decode(ids, { skipSpecialTokens: true })).toBe(plain);
    }
  },
);

test.each(golden.filter(({ name }) => REFUSED.has(name)))(
  "$name is refused, and the message names the part",
  (one) => {
    expect(refusal(() => make(one.tokenizer))).toContain(REFUSED.get(one.name));
  },
);

const BPE = { type: "BPE", vocab: { a: 0, b: 1 }, merges: [] };
const split = (pattern: string) => ({
  model: BPE,
  pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated" },
});
const unigram = (vocab: unknown, unknown: unknown) => ({
  model: { type: "Unigram", vocab, unk_id: unknown },
});
const digits = { type: "Digits", individual_digits: true };
const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true };
const doubling = { type: "Replace", pattern: { String: "a" }, content: "aa" };

test.each([
  ["nested repetition", split("(a+)+$"), "repeats a group"],
  ["alternatives that overlap", split("(?:a|a)*b"), "repeats a group"],
  ["many repetitions", split("a*a*a*a*a*b"), "may take for ever"],
  ["large counts", split("a{1,1000}a{1,1000}a{1,1000}b"), "may take for ever"],
  ["possessive repetition", split("a++b"), "++"],
  ["digits of Unicode", split("\\d+"), "\\d"],
  [
    "spaces merged with what is before them",
    {
      model: BPE,
      pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious" },
    },
    "MergedWithPrevious",
  ],
  ["intersections", split("[a-z&&[^b]]"), "&&"],
  ["a pattern without end", split("(".repeat(10)), "cannot be used"],
  [
    "thirty doubling normalizers",
    { model: BPE, normalizer: { type: "Sequence", normalizers: Array(30).fill(doubling) } },
    "64 times as long",
  ],
  ["an id of a billion", { model: { ...BPE, vocab: { a: 1e9 } } }, "1000000000"],
  ["a negative id", { model: { ...BPE, vocab: { a: -1 } } }, "-1"],
  ["a merge that is no pair", { model: { ...BPE, merges: [["a"]] } }, "no pair"],
  ["no merges", { model: { ...BPE, merges: undefined } }, "without merges"],
  ["a score that is a text", unigram([["a", "1"]], 0), "without a score"],
  ["an unk_id that is a text", unigram([["a", 1]], "../.."), "unk_id"],
  ["an unk_id without a token", unigram([["a", 1]], 1), "unk_id"],
  ["dropout", { model: { ...BPE, dropout: 0.1 } }, "dropout"],
  ["no model", {}, "no model"],
  ["letters that match several", split("(?i:'s|ß)"), "(?i:'s|ß"],
  [
    "a first word behind other splits",
    { model: BPE, pre_tokenizer: { type: "Sequence", pretokenizers: [digits, metaspace] } },
    "Metaspace with prepend_scheme first behind others",
  ],
  [
    "a first word whose beginning is replaced",
    {
      model: BPE,
      normalizer: { type: "Replace", pattern: { Regex: " +" }, content: "a" },
      pre_tokenizer: metaspace,
    },
    "a Replace by a Regex",
  ],
  [
    "white space that strips itself",
    { model: BPE, added_tokens: [{ id: 2, content: "  ", lstrip: true }] },
    "strips white space",
  ],
])("a tokenizer with %s is refused", (_name, tokenizer, problem) => {
  expect(refusal(() => make(tokenizer))).toContain(problem);
});

test("characters without a token are dropped before their neighbours are merged, as in Rust", () => {
  const model = { type: "BPE", vocab: { l: 0, o: 1, lo: 2 }, merges: ["l o"] };
  const tokenizer = make({ model });
  expect(["lgo", "lo", "gg"].map((text) => tokenizer.encode(text))).toEqual([[2], [2], []]);
});

test("unknown characters are fused within a word alone, as in Rust", () => {
  const model = { ...BPE, vocab: { "<unk>": 0, a: 1 }, unk_token: "<unk>", fuse_unk: true };
  const tokenizer = make({ model, pre_tokenizer: { type: "Digits", individual_digits: true } });
  expect(["１２a", "xyz１a"].map((text) => tokenizer.encode(text))).toEqual([
    [0, 0, 1],
    [0, 0, 1],
  ]);
});

test.each([
  [
    "Isolated",
    [
      [0, 0, 0, 6],
      [2, 2],
      [4, 4],
      [0, 2, 4],
    ],
  ],
  ["Contiguous", [[1, 0, 6], [3], [5], [0, 2, 4]]],
])("punctuation that is %s is split as in Rust", (behavior, ids) => {
  const vocab = { "!": 0, "!!": 1, "—": 2, "——": 3, $: 4, $$: 5, a: 6 };
  const model = { ...BPE, vocab, merges: ["! !", "— —", "$ $"] };
  const tokenizer = make({ model, pre_tokenizer: { type: "Punctuation", behavior } });
  expect(["!!!a", "——", "$$", "!—$"].map((text) => tokenizer.encode(text))).toEqual(ids);
});

test.each([
  [
    "lstrip",
    [
      [0, 2, 5, 1, 2, 0],
      [0, 5, 3, 0],
      [0, 4, 5, 4, 0],
      [5, 5],
    ],
  ],
  [
    "rstrip",
    [
      [0, 2, 1, 5, 2, 0],
      [0, 3, 5, 0],
      [0, 4, 5, 4, 0],
      [5, 5],
    ],
  ],
])("an added token with %s takes the white space that Rust knows", (strip, ids) => {
  const vocab = { a: 0, " ": 1, "\ufeff": 2, "\x85": 3, "\x1c": 4 };
  const token = { id: 5, content: "<m>", special: true, normalized: false, [strip]: true };
  const tokenizer = make({ model: { ...BPE, vocab }, added_tokens: [token] });
  const texts = ["a\ufeff <m> \ufeffa", "a\x85<m>\x85a", "a\x1c<m>\x1ca", "<m> <m>"];
  expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids);
});

test("all space marks of the first token are removed, as in Rust", () => {
  const decoder = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false };
  const model = { type: "BPE", vocab: { "▁a▁b": 0, "▁c": 1 }, merges: [], unk_token: null };
  const tokenizer = make({ model, decoder });
  expect([tokenizer.decode([0, 1]), tokenizer.decode([1, 0])]).toEqual(["ab c", "c a b"]);
});

const prepending = { type: "Prepend", prepend: "▁" };
const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };

test.each([
  ["split_special_tokens", { split_special_tokens: true }, { model: BPE }],
  ["add_prefix_space", { add_prefix_space: true }, { model: BPE, pre_tokenizer: bytes }],
  [
    "add_prefix_space",
    { add_prefix_space: false, tokenizer_class: "LlamaTokenizerFast" },
    { model: BPE, normalizer: prepending },
  ],
])(
  "a tokenizer_config.json whose %s contradicts tokenizer.json is refused",
  (field, config, json) => {
    const assets = {
      "tokenizer.json": JSON.stringify(json),
      "tokenizer_config.json": JSON.stringify(config),
    };
    expect(refusal(() => Tokenizer.fromAssets(assets))).toContain(
      `tokenizer_config.json has ${field}`,
    );
  },
);

test("a text without a token in a Unigram without an unk_id is refused", () => {
  const tokenizer = make(unigram([["a", 1]], null));
  expect(tokenizer.encode("aa")).toEqual([0, 0]);
  expect(refusal(() => tokenizer.encode("ab"))).toContain("no token for a part of a text");
});

test("a model without a type is a BPE", () => {
  const { type: _type, ...model } = { ...BPE, vocab: { a: 0, b: 1, ab: 2 }, merges: ["a b"] };
  expect(make({ model }).encode("abab")).toEqual([2, 2]);
});
