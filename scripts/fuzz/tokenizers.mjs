/** Tokenizers of foreign models: their files and patterns, texts that they encode, ids that they decode. */
import { Tokenizer } from "@gumshoe/engine";

import { readWordPattern } from "../../packages/engine/dist/tokenizer/word-pattern.js";
import { jsonOf } from "./files.mjs";
import { MESSAGES, SPECIAL } from "./templates.mjs";

const families = jsonOf("test/golden/tokenizers/cases.json.gz");
const rookie = jsonOf("models/rookie/tokenizer.json");

/** A tokenizer's file with few tokens, as a whole one takes long to read. */
function shortened(json) {
  const { vocab, merges = [] } = json.model;
  const kept = Array.isArray(vocab)
    ? vocab.slice(0, 60)
    : Object.fromEntries(Object.entries(vocab).slice(0, 60));
  const parts = (merge) => (Array.isArray(merge) ? merge : merge.split(" "));
  const isKept = (merge) =>
    [...parts(merge), parts(merge).join("")].every((token) => Object.hasOwn(kept, token));
  const model = { ...json.model, vocab: kept };
  if (json.model.merges !== undefined) model.merges = merges.filter(isKept).slice(0, 20);
  return { ...json, model };
}

const tokenizerFiles = {
  name: "tokenizer-files",
  open: async () => {
    const jsons = [...families.map(({ tokenizer }) => tokenizer), rookie].map(shortened);
    const config = {
      tokenizer_class: "Qwen2Tokenizer",
      eos_token: "<|im_end|>",
      chat_template: "{{ messages }}",
    };
    const vocabulary = { a: 0, b: 1, ab: 2 };
    const generation = { eos_token_id: [0, 1], temperature: 0.7 };
    const special = { eos_token: { content: "<|im_end|>" }, pad_token: "<pad>" };
    const others = { "generation_config.json": generation, "special_tokens_map.json": special };
    const types = ["BPE", "Unigram", "ByteLevel", "Split", "Regex", "Replace", "NFC"];
    return {
      words: [...types, "\\p{L}+", "\\s+(?!\\S)", "(?i:", "a{1,9}", "|"],
      make: (mutator) => {
        const isChanged = mutator.chance(0.3);
        const given = isChanged ? mutator.json([config]) : JSON.stringify(config);
        const name = mutator.one(Object.keys(others));
        const beside = mutator.chance(0.3) ? { [name]: mutator.json([others[name]]) } : {};
        if (mutator.chance(0.9)) {
          const tokenizer = mutator.json(jsons);
          return { ...beside, "tokenizer.json": tokenizer, "tokenizer_config.json": given };
        }
        return {
          ...beside,
          "vocab.json": mutator.chance(0.5)
            ? JSON.stringify(vocabulary)
            : mutator.json([vocabulary]),
          "merges.txt": mutator.text(["#version\na b\n"]),
          "tokenizer_config.json": given,
        };
      },
      read: (assets) => {
        const tokenizer = Tokenizer.fromAssets(assets);
        const ids = tokenizer.encode("Mrs. White  did it,\n\n12 times! <|im_end|> é 한 😀");
        if (!ids.every(Number.isSafeInteger)) throw new Error(`gives the ids ${ids}`);
        tokenizer.decode(ids, { skipSpecialTokens: true });
        tokenizer.renderChat(MESSAGES);
      },
    };
  },
};

/** Some of the families are refused on purpose. */
function openOrNull(json) {
  try {
    return Tokenizer.fromAssets({ "tokenizer.json": JSON.stringify(json) });
  } catch {
    return null;
  }
}

function openAll() {
  return [rookie, ...families.map(({ tokenizer }) => tokenizer)]
    .map(openOrNull)
    .filter((tokenizer) => tokenizer !== null);
}

const encoding = {
  name: "encoding",
  open: async () => {
    const tokenizers = openAll();
    const valid = families[0].rows.map(([text]) => text);
    return {
      words: [...SPECIAL, "123"],
      make: (mutator) => ({
        at: mutator.random.below(tokenizers.length),
        text: mutator.text(valid),
      }),
      read: ({ at, text }) => {
        const tokenizer = tokenizers[at];
        const ids = tokenizer.encode(text);
        const wrong = ids.find((id) => !(Number.isInteger(id) && id < tokenizer.vocabularySize));
        if (wrong !== undefined) throw new Error(`gives the id ${wrong}`);
        tokenizer.decode(ids);
      },
    };
  },
};

const decoding = {
  name: "decoding",
  open: async () => {
    const tokenizers = openAll();
    return {
      words: [],
      make: (mutator) => {
        const at = mutator.random.below(tokenizers.length);
        const length = mutator.random.below(mutator.chance(0.01) ? 20_000 : 200);
        const most = tokenizers[at].vocabularySize + 10;
        return { at, ids: Array.from({ length }, () => mutator.random.below(most)) };
      },
      read: ({ at, ids }) => {
        const text = tokenizers[at].decode(ids, { skipSpecialTokens: ids.length % 2 === 0 });
        if (typeof text !== "string") throw new Error(`gives a ${typeof text}`);
      },
    };
  },
};

/** The patterns of a pipeline, those of inner sequences too. */
function patternsOf(part) {
  const own = part?.pattern?.Regex === undefined ? [] : [part.pattern.Regex];
  return [...own, ...(part?.pretokenizers ?? []).flatMap(patternsOf)];
}

/** Patterns that are taken must be linear in a text of any letters. */
const wordPatterns = {
  name: "word-patterns",
  open: async () => {
    const valid = [
      ...new Set(families.flatMap(({ tokenizer }) => patternsOf(tokenizer.pre_tokenizer))),
    ];
    const parts = valid.flatMap((pattern) => pattern.split("|"));
    const letters = [
      " ",
      "a",
      "A",
      "1",
      "\n",
      "\r\n",
      "'",
      "é",
      "한",
      "-",
      "\t",
      "'s",
      "  ",
      "\u0301",
    ];
    return {
      words: [
        ...parts,
        "?",
        "*",
        "+",
        "{1,3}",
        "(?:",
        ")",
        "(?!\\S)",
        "$",
        "^",
        "[^a]",
        "\\p{L}",
        "|",
      ],
      make: (mutator) => {
        const pattern = mutator.chance(0.3)
          ? mutator.someWords(8)
          : mutator.changedText(mutator.one(valid), parts);
        const piece = mutator.one(letters) + (mutator.chance(0.5) ? mutator.one(letters) : "");
        const text = piece.repeat(10_000) + mutator.one(letters);
        return { pattern, text: mutator.chance(0.5) ? text : mutator.one(letters) + text };
      },
      read: ({ pattern, text }) => {
        let found = 0;
        let regex;
        try {
          regex = new RegExp(readWordPattern(pattern), "gu");
        } catch (error) {
          // The tokenizer's constructor says so.
          if (error instanceof SyntaxError) return;
          throw error;
        }
        for (const { 0: word } of text.matchAll(regex)) found += word.length;
        if (found > text.length) throw new Error("finds more than there is");
      },
    };
  },
};

export const TOKENIZERS = [tokenizerFiles, wordPatterns, encoding, decoding];
