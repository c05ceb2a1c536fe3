import { shownValue } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { namedTokens, tokenizerClass } from "./named-tokens.js";
import { type JsonObject, tokenText, type TokenizerFiles } from "./tokenizer-files.js";

/** How Qwen2 splits texts into words. */
const QWEN2_WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" +
  "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Classes of Transformers that read a GPT-2 vocabulary as such. */
const GPT2_CLASSES = ["GPT2Tokenizer", "PreTrainedTokenizer", "TokenizersBackend"];

/**
 * Builds the equivalent of a `tokenizer.json` from `vocab.json` and `merges.txt`, as Transformers does: a
 * byte-level BPE with the word pattern of the tokenizer's class.
 *
 * @throws TokenizerError when the class is not supported
 */
export function tokenizerOfVocabulary(
  files: TokenizerFiles,
  { vocab, merges }: { vocab: JsonObject; merges: string },
): JsonObject {
  const pairs = merges
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/\s+/))
    .filter((pair) => pair.length === 2);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(files, vocab),
    ...wordsOf(files),
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: pairs,
    },
  };
}

/** The normalizer and the pre-tokenizer of the class that reads these files. */
function wordsOf(files: TokenizerFiles): JsonObject {
  const name = tokenizerClass(files);
  const prefix = files.config["add_prefix_space"] === true;
  const bytes = { type: "ByteLevel", add_prefix_space: prefix, trim_offsets: true };
  if (name === "Qwen2Tokenizer") {
    const words = { type: "Split", pattern: { Regex: QWEN2_WORDS }, behavior: "Isolated" };
    const pretokenizers = [
      { ...words, invert: false },
      { ...bytes, use_regex: false },
    ];
    const sequence = { type: "Sequence", pretokenizers };
    return { normalizer: { type: "NFC" }, pre_tokenizer: sequence };
  }
  if (name === null || GPT2_CLASSES.includes(name)) {
    return { normalizer: null, pre_tokenizer: { ...bytes, use_regex: true } };
  }
  const problem = `is ${name}, whose vocab.json and merges.txt are not read here: save its tokenizer.json`;
  throw new TokenizerError("tokenizer_config.json", `tokenizer_class ${problem}`);
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** Tokens added to the vocabulary: those with an id of their own, then the named ones. */
function addedTokens(files: TokenizerFiles, vocab: JsonObject): JsonObject[] {
  const added = new Map<string, AddedToken>();
  const decoder = (files.config["added_tokens_decoder"] ?? {}) as Record<string, unknown>;
  for (const [id, token] of Object.entries(decoder)) {
    const content = tokenText(token);
    const { special } = token as { special?: unknown };
    if (content !== null)
      added.set(content, { id: Number(id), content, special: special === true });
  }
  for (const [content, id] of Object.entries(files.addedTokens)) {
    if (!added.has(content)) added.set(content, { id: Number(id), content, special: false });
  }
  const ids = [...Object.values(vocab), ...[...added.values()].map(({ id }) => id)];
  let next = ids.reduce<number>((most, id) => Math.max(most, Number(id)), -1) + 1;
  for (const content of Object.values(namedTokens(files))) {
    const known = added.get(content)?.id ?? vocab[content];
    added.set(content, {
      id: known === undefined ? next++ : Number(known),
      content,
      special: true,
    });
  }
  checkOrder([...added.values()], vocab);
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return [...added.values()]
    .sort((a, b) => a.id - b.id)
    .map(({ id, content, special }) => ({ id, content, ...flags, special }));
}

/** Transformers assigns added tokens the ids after the vocabulary, whatever ids the file gives. */
function checkOrder(added: readonly AddedToken[], vocab: JsonObject): void {
  const fresh = added.filter(({ content }) => vocab[content] === undefined);
  let next = Object.values(vocab).length;
  for (const { id, content } of [...fresh].sort((a, b) => a.id - b.id)) {
    if (id !== next++) {
      const problem = `gives ${shownValue(content)} the id ${id}, not ${next - 1}`;
      throw new TokenizerError("tokenizer_config.json", problem);
    }
  }
}
