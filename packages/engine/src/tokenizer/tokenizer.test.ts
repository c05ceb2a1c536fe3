import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { beforeAll, expect, test } from "vitest";

import { TokenizerError } from "../errors.js";
import type { Message } from "./chat-template.js";
import { Tokenizer } from "./tokenizer.js";

const DIR = fileURLToPath(new URL("../../../../test/golden/tokenizer", import.meta.url));
const USER: Message[] = [{ role: "user", content: "Who did it?" }];
let tokenizer: Tokenizer;

beforeAll(async () => {
  tokenizer = await Tokenizer.load(DIR);
});

function golden<T>(name: string): T[] {
  return JSON.parse(readFileSync(`${DIR}/${name}`, "utf8")) as T[];
}

function assetsWith(config: Record<string, unknown>, others: Record<string, string> = {}) {
  const tokenizerJson = {
    version: "1.0",
    added_tokens: [{ id: 3, content: "<|im_end|>", special: true }],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: "BPE", vocab: { a: 0, b: 1, "</s>": 2 }, merges: [] },
  };
  return {
    "tokenizer.json": JSON.stringify(tokenizerJson),
    "tokenizer_config.json": JSON.stringify(config),
    ...others,
  };
}

test("texts give the ids that Transformers gives, and these decode to the texts", () => {
  for (const { text, ids, decoded } of golden<{ text: string; ids: number[]; decoded: string }>(
    "encodings.json",
  )) {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(decoded);
  }
});

test("chats are rendered and encoded as in Transformers", () => {
  for (const chat of golden<{
    messages: Message[];
    addGenerationPrompt: boolean;
    text: string;
    ids: number[];
  }>("chats.json")) {
    const { messages, addGenerationPrompt } = chat;
    expect(tokenizer.renderChat(messages, { addGenerationPrompt })).toBe(chat.text);
    expect(tokenizer.encodeChat(messages, { addGenerationPrompt })).toEqual(chat.ids);
  }
});

test("special tokens can be left out of the decoded text", () => {
  const ids = tokenizer.encode("It was Miss Scarlet.<|im_end|>");
  expect(tokenizer.decode(ids)).toBe("It was Miss Scarlet.<|im_end|>");
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("It was Miss Scarlet.");
});

test("ids without a token decode to nothing", () => {
  expect(tokenizer.decode([])).toBe("");
  expect(tokenizer.decode([151_900])).toBe("");
  expect(tokenizer.decode([151_900, 64, 151_665])).toBe("a");
  expect(tokenizer.vocabularySize).toBe(151_665);
});

test("every file that names an end of sequence adds stop tokens", () => {
  expect(tokenizer.stopTokenIds).toEqual([151_645]);
  const stops = (config: Record<string, unknown>, others: Record<string, string> = {}) =>
    Tokenizer.fromAssets(assetsWith(config, others)).stopTokenIds;
  expect(stops({})).toEqual([]);
  expect(stops({ eos_token: { content: "</s>" } })).toEqual([2]);
  expect(stops({ eos_token: "</s>", chat_template: "x<|im_end|>" })).toEqual([2, 3]);
  const others = {
    "generation_config.json": `{"eos_token_id": [3, 1]}`,
    "config.json": `{"eos_token_id": 1}`,
  };
  expect(stops({ eos_token: "</s>" }, others)).toEqual([1, 2, 3]);
});

test("a template in a file of its own, or the default of several, is used", () => {
  const render = (config: Record<string, unknown>, others: Record<string, string> = {}) =>
    Tokenizer.fromAssets(assetsWith(config, others)).renderChat(USER);
  const content = "{{ messages[0].content }}";
  const named = [
    { name: "tool_use", template: "no" },
    { name: "default", template: `list ${content}${"{{ eos_token }}"}` },
  ];
  expect(render({ chat_template: named, eos_token: "</s>" })).toBe("list Who did it?</s>");
  const file = { "chat_template.jinja": `file ${content}` };
  expect(render({ chat_template: named }, file)).toBe("file Who did it?");
});

test("a template gets no tools and no documents, and its lines end in \\n only", () => {
  const render = (template: string) =>
    Tokenizer.fromAssets({ ...assetsWith({}), "chat_template.jinja": template }).renderChat(USER);
  expect(render("{{ tools is none }} {{ documents is none }}")).toBe("True True");
  expect(render("{% if tools is not none %}tools {% endif %}{{ tools is defined }}")).toBe("True");
  expect(render("{{ messages[0].role }}\r\n{{ messages[0].content }}\r\n")).toBe(
    "user\nWho did it?",
  );
});

test.each([
  ["tokenizer.json", {}],
  ["tokenizer.json", { "tokenizer.json": "{" }],
  ["tokenizer.json", { "tokenizer.json": "[]" }],
  ["tokenizer.json", { "tokenizer.json": `{"model": {"type": "Unheard"}}` }],
  ["tokenizer_config.json", { ...assetsWith({}), "tokenizer_config.json": "nonsense" }],
  ["tokenizer_config.json", assetsWith({ chat_template: "{% if %}" })],
  ["tokenizer_config.json", assetsWith({ chat_template: 5 })],
  ["chat_template.jinja", { ...assetsWith({}), "chat_template.jinja": "{% if %}" }],
  [
    "generation_config.json",
    { ...assetsWith({}), "generation_config.json": '{"eos_token_id": "x"}' },
  ],
  ["config.json", { ...assetsWith({}), "config.json": '{"eos_token_id": [1.5]}' }],
  [
    "config.json",
    {
      ...assetsWith({}),
      "config.json": `{"eos_token_id": [${"[".repeat(50_000)}${"]".repeat(50_000)}]}`,
    },
  ],
])("an error says what is wrong with %s", (subject, assets: Record<string, string>) => {
  let thrown: unknown;
  try {
    Tokenizer.fromAssets(assets);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TokenizerError);
  expect((thrown as TokenizerError).subject).toBe(subject);
});

test("a chat without a template, or that its template refuses, is an error", () => {
  expect(() => Tokenizer.fromAssets(assetsWith({})).renderChat(USER)).toThrow("no chat_template");
  const empty = { ...assetsWith({}), "chat_template.jinja": "" };
  expect(() => Tokenizer.fromAssets(empty).renderChat(USER)).toThrow("writes an empty text");
  const strict = assetsWith({ chat_template: "{{ raise_exception('no user here') }}" });
  expect(() => Tokenizer.fromAssets(strict).renderChat(USER)).toThrow("no user here");
});

/** What the Rust library makes of these was seen with tokenizers 0.23.3. */
test.each([
  [
    { added: [{ id: 2, content: "<x>" }] },
    'gives the added token "<x>" the id 2; Transformers gives it 3',
  ],
  [
    { added: [{ id: 9, content: "<x>" }] },
    'gives the added token "<x>" the id 9; Transformers gives it 3',
  ],
  [
    { added: [{ id: 3, content: "ab" }] },
    'gives the added token "ab" the id 3; Transformers gives it 2',
  ],
  [
    {
      added: [
        { id: 3, content: "<x>" },
        { id: 3, content: "<y>" },
      ],
    },
    'gives the added token "<y>" the id 3; Transformers gives it 4',
  ],
  [{ vocab: { a: 0, b: 1, ab: 1 } }, 'gives "b" and "ab" the same id, 1'],
  [{ merges: ["a b", "b c"] }, 'has the merge "b c", but "c" is not in its vocabulary'],
  [{ merges: [["b", "a"]] }, '"ba" is not in its vocabulary'],
  [{ merges: ["a b c"] }, 'has a merge that is no pair: "a b c"'],
])(
  "a tokenizer whose ids the Rust library gives in another way, or refuses: %j",
  (change, said) => {
    const {
      added = [],
      vocab = { a: 0, b: 1, ab: 2 },
      merges = ["a b"],
    } = change as {
      added?: readonly object[];
      vocab?: object;
      merges?: readonly unknown[];
    };
    const json = { added_tokens: added, model: { type: "BPE", vocab, merges } };
    expect(() => Tokenizer.fromAssets({ "tokenizer.json": JSON.stringify(json) })).toThrow(said);
  },
);

test("added tokens may have the ids of the vocabulary, and those from its size on", () => {
  const added = [
    { id: 7, content: "<end>" },
    { id: 4, content: "<x>" },
    { id: 5, content: "<y>" },
  ];
  const vocab = { a: 0, b: 1, ab: 2, "<end>": 7 };
  const json = { added_tokens: added, model: { type: "BPE", vocab, merges: ["a b"] } };
  const made = Tokenizer.fromAssets({ "tokenizer.json": JSON.stringify(json) });
  expect(made.encode("ab<x><end><y>")).toEqual([2, 4, 7, 5]);
});
