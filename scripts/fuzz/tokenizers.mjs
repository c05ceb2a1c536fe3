/** Tokenizers and chat templates of foreign models: their files, and texts that they are given. */
import { Tokenizer } from "@gumshoe/engine";

import { Template } from "../../packages/engine/dist/template/template.js";
import { jsonOf, textOf } from "./files.mjs";

const MESSAGES = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Who did it? <b>&amp;</b>" },
  { role: "assistant", content: "  Mrs. White\n" },
];
const SPECIAL = ["<|im_start|>", "<|im_end|>", "</s>", "▁", "'s", " the", "\r\n", "   ", "ſ"];

const families = jsonOf("test/golden/tokenizers/cases.json.gz");
const rookie = jsonOf("models/rookie/tokenizer.json");
const { templates: sources } = jsonOf("test/golden/templates/cases.json");

const templates = {
  name: "templates",
  open: async () => {
    const expressions = ["expressions.txt", "more_expressions.txt"].flatMap((name) =>
      textOf(`test/golden/templates/${name}`).split("\n"),
    );
    const shown = expressions.map((one) => `{{ ${one} }}`);
    const parts = sources.join(" ").match(/\{[{%#]-?|-?[}%#]\}|\w+|\|\s*\w+/g);
    return {
      words: [...new Set(parts), ...shown, "{% for m in messages %}"],
      make: (mutator) => mutator.text([...sources, ...shown]),
      read: (source) => {
        const variables = { messages: MESSAGES, add_generation_prompt: true, bos_token: "<s>" };
        const text = Template.parse(source).render(variables, "2026-11-28");
        if (typeof text !== "string") throw new Error(`renders a ${typeof text}`);
      },
    };
  },
};

/** Some of the sources are refused on purpose. */
function parseOrNull(source) {
  try {
    return Template.parse(source);
  } catch {
    return null;
  }
}

const chats = {
  name: "chats",
  open: async () => {
    const parsed = sources.map(parseOrNull).filter((template) => template !== null);
    const valid = MESSAGES.map(({ content }) => content);
    return {
      words: [...SPECIAL, "<think>", "</think>", "<tool_call>", "{{ x }}", "{% raw %}"],
      make: (mutator) => ({
        at: mutator.random.below(parsed.length),
        contents: valid.map((content) => (mutator.chance(0.5) ? mutator.text(valid) : content)),
      }),
      read: ({ at, contents }) => {
        const messages = MESSAGES.map(({ role }, i) => ({ role, content: contents[i] }));
        const variables = { messages, add_generation_prompt: true, bos_token: "<s>", tools: null };
        parsed[at].render(variables, "2026-11-28");
      },
    };
  },
};

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

/** Some of the families, too, are refused on purpose. */
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

export const TOKENIZERS = [templates, chats, tokenizerFiles, encoding, decoding];
