import { Tokenizer } from "@huggingface/tokenizers";

import { losesLetters } from "./check-model.js";
import { mergeWord, PairRanks } from "./merge-word.js";
import type { JsonObject } from "./tokenizer-files.js";
import { WordCache } from "./word-cache.js";
import { trimSpace } from "./word-pattern.js";

/** The part of the library's tokenizer that is used: text to ids and back, as `tokenizer.json` says. */
export interface TextTokenizer {
  /** An id is null or undefined if no token stands for a part of the text. */
  encode(
    text: string,
    options: { add_special_tokens: boolean },
  ): { ids: (number | null | undefined)[] };
  /** @param ids  not empty */
  decode(
    ids: readonly number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

/** The methods of the library's models that are replaced here. */
interface LibraryModel {
  readonly fuse_unk: boolean;
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number | null;
  /** BPE only; pairs of texts. */
  readonly merges?: readonly (readonly [string, string])[];
  readonly end_of_word_suffix?: string | null;
  readonly continuing_subword_suffix?: string | null;
  _call: (words: readonly string[]) => string[];
  encode: (words: readonly string[]) => string[];
  bpe?: (word: string) => string[];
  /** BPE only; the library's own cache slows down once it is full. */
  cache?: Pick<WordCache, "get" | "put" | "clear">;
  /** Unigram only. */
  readonly tokenize?: (word: string) => string[];
}

/** From this length on, in characters, words are merged by {@link mergeWord}; the library merges shorter ones. */
const LONG_WORD = 256;

// The library's declarations import without file extensions, which TypeScript cannot resolve under Node's rules. So
// the interface above types its class.
const Library = Tokenizer as unknown as new (
  tokenizer: JsonObject,
  config: JsonObject,
) => TextTokenizer & LibraryParts;

interface LibraryParts {
  readonly model: LibraryModel;
  /** Split a text before and after each added token: one before, one after it is normalized. */
  readonly splitter_unnormalized: Splitter;
  readonly splitter_normalized: Splitter;
}

interface Splitter {
  split: (text: string) => string[];
}

/** An added token that takes the white space before or after it. */
interface StrippingToken {
  readonly content: string;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** Creates a tokenizer; throws the library's own error on a part that it does not know. */
export function createTextTokenizer(tokenizer: JsonObject, config: JsonObject): TextTokenizer {
  const tokens = (tokenizer["added_tokens"] ?? []) as StrippingToken[];
  const plain = tokens.map((token) => ({ ...token, lstrip: false, rstrip: false }));
  const made = new Library({ ...tokenizer, added_tokens: plain }, config);
  stripAround(made, tokens);
  boundCost(made.model);
  if (losesLetters(tokenizer["model"] as JsonObject)) dropUnknownLetters(made.model);
  return made;
}

/** Removes white space around added tokens as Rust does: the library removes what JavaScript's `trim` removes. */
function stripAround(library: LibraryParts, tokens: readonly StrippingToken[]): void {
  const stripping = new Map(
    tokens.filter(({ lstrip, rstrip }) => lstrip || rstrip).map((one) => [one.content, one]),
  );
  if (stripping.size === 0) return;
  const contents = new Set(tokens.map(({ content }) => content));
  for (const splitter of [library.splitter_unnormalized, library.splitter_normalized]) {
    const split = splitter.split.bind(splitter);
    splitter.split = (text) => {
      const sections = split(text);
      return sections.map((section, i) => {
        if (contents.has(section)) return section;
        const before = stripping.get(sections[i - 1] ?? "")?.rstrip === true;
        const after = stripping.get(sections[i + 1] ?? "")?.lstrip === true;
        return before || after ? trimSpace(section, { start: before, end: after }) : section;
      });
    };
  }
}

/**
 * Drops characters without a token before their neighbours are merged, as Rust does; the library drops them after.
 */
function dropUnknownLetters(model: LibraryModel): void {
  const ids = model.tokens_to_ids;
  const encode = model.encode.bind(model);
  const known = (word: string) =>
    Array.from(word)
      .filter((letter) => ids.has(letter))
      .join("");
  model.encode = (words) => encode(words.map((word) => (ids.has(word) ? word : known(word))));
}

/**
 * Replaces methods that take the library too long for a long text without spaces; results are equal. They join the
 * texts of unknown tokens (only their id is used), pass all tokens of a word as arguments of one call, cache the
 * tokens of words, and merge the pairs of a long word.
 */
function boundCost(model: LibraryModel): void {
  const { fuse_unk: fusesUnknown, tokenize, bpe, merges } = model;
  // The library also fuses those of neighbouring words.
  if (fusesUnknown) {
    model._call = (words) => words.flatMap((word) => fuseUnknown(model, model.encode([word])));
  }
  if (tokenize !== undefined) {
    model.encode = (words) => words.flatMap((word) => tokenize.call(model, word));
  }
  if (model.cache !== undefined) model.cache = new WordCache();
  const isPlain = !model.end_of_word_suffix && !model.continuing_subword_suffix;
  if (bpe === undefined || merges === undefined || !isPlain) return;
  let ranks: PairRanks | null = null;
  model.bpe = (word) => {
    if (word.length < LONG_WORD) return bpe.call(model, word);
    return mergeWord(Array.from(word), (ranks ??= new PairRanks(merges)));
  };
}

/** Collapses every run of unknown tokens into one. */
function fuseUnknown(model: LibraryModel, tokens: readonly string[]): string[] {
  const { tokens_to_ids: ids, unk_token_id: unknown } = model;
  const isUnknown = (token: string | undefined) =>
    token !== undefined && (ids.get(token) ?? unknown) === unknown;
  return tokens.filter((token, i) => !isUnknown(token) || !isUnknown(tokens[i - 1]));
}
