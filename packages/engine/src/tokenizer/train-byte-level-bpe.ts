import { InvalidArgumentError } from "@gumshoe/core";

import { BYTE_LETTERS } from "./byte-letters.js";
import { PairMerger } from "./pair-merger.js";

/**
 * Splits a text into words before merging: a digit, letters with the space before them, marks, line ends.
 * JavaScript and the Rust library read the pattern alike.
 */
const WORD_PATTERN =
  "\\p{N}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
/** Fewest occurrences of a pair: one that occurs once does not generalise. */
const MIN_PAIR_COUNT = 2;

/** The size and fixed tokens of a tokenizer. */
export interface BpeOptions {
  /** Special tokens, 256 bytes, and merges. Fewer if no pair is left to merge. */
  readonly vocabularySize: number;
  /** They get the first ids, in order. */
  readonly specialTokens: readonly string[];
  /** Texts that are always one token, such as names; they get the last ids, in order. */
  readonly wholeWords?: readonly string[];
}

/** A `tokenizer.json` that Transformers and {@link Tokenizer} load. */
export type TokenizerJson = Readonly<Record<string, unknown>>;

/**
 * Trains a byte-level BPE tokenizer: it merges the most frequent pair of adjacent tokens within words, repeatedly.
 * Every text can be encoded, and the same texts give the same file.
 *
 * @throws InvalidArgumentError when the vocabulary has no room for bytes and special tokens
 * @source arXiv:1508.07909
 */
export function trainByteLevelBpe(texts: Iterable<string>, options: BpeOptions): TokenizerJson {
  const { vocabularySize, specialTokens, wholeWords = [] } = options;
  checkOptions(options);
  const numMergeable = vocabularySize - wholeWords.length;
  const cuts = [...specialTokens, ...wholeWords];
  const tokens = [...specialTokens, ...BYTE_LETTERS];
  const known = new Set(tokens);
  const merges: [string, string][] = [];
  const merger = new PairMerger(countWords(texts, cuts, specialTokens.length));
  while (tokens.length < numMergeable) {
    const pair = merger.best();
    if (pair === null || pair.count < MIN_PAIR_COUNT) break;
    const left = tokens[pair.left] as string;
    const right = tokens[pair.right] as string;
    const merged = left + right;
    // Two merges can give the same text; the second is a rule without a token of its own.
    const id = known.has(merged) ? tokens.indexOf(merged) : tokens.push(merged) - 1;
    known.add(merged);
    merges.push([left, right]);
    merger.merge(pair.left, pair.right, id);
  }
  return tokenizerJson({ tokens, merges, specialTokens, wholeWords });
}

function checkOptions({ vocabularySize, specialTokens, wholeWords = [] }: BpeOptions): void {
  const cuts = [...specialTokens, ...wholeWords];
  if (new Set(cuts).size !== cuts.length || cuts.includes("")) {
    throw new InvalidArgumentError("specialTokens", "has an empty token or one that comes twice");
  }
  if (cuts.some((token) => BYTE_LETTERS.includes(token))) {
    throw new InvalidArgumentError("specialTokens", "has a single character, which is a byte's");
  }
  const least = cuts.length + BYTE_LETTERS.length;
  if (!Number.isSafeInteger(vocabularySize) || vocabularySize < least) {
    const problem = `is ${vocabularySize}; bytes and special tokens alone need ${least}`;
    throw new InvalidArgumentError("vocabularySize", problem);
  }
}

/** Counts the words of all texts, in the order of first occurrence. */
function* countWords(
  texts: Iterable<string>,
  cuts: readonly string[],
  firstByteId: number,
): Generator<[tokens: number[], count: number]> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const part of splitAt(text, cuts)) {
      for (const [word] of part.matchAll(new RegExp(WORD_PATTERN, "gu"))) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
  }
  for (const [word, count] of counts) {
    yield [[...Buffer.from(word)].map((byte) => firstByteId + byte), count];
  }
}

function splitAt(text: string, separators: readonly string[]): string[] {
  return separators.reduce(
    (parts, separator) => parts.flatMap((part) => part.split(separator)),
    [text],
  );
}

function tokenizerJson(parts: {
  tokens: readonly string[];
  merges: readonly (readonly [string, string])[];
  specialTokens: readonly string[];
  wholeWords: readonly string[];
}): TokenizerJson {
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: false,
    use_regex: false,
  };
  const split = {
    type: "Split",
    pattern: { Regex: WORD_PATTERN },
    behavior: "Isolated",
    invert: false,
  };
  const addedToken = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [
      ...parts.specialTokens.map((content, id) => {
        return { id, content, ...addedToken, special: true };
      }),
      ...parts.wholeWords.map((content, i) => {
        return { id: parts.tokens.length + i, content, ...addedToken, special: false };
      }),
    ],
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(parts.tokens.map((token, id) => [token, id])),
      merges: parts.merges.map(([left, right]) => `${left} ${right}`),
    },
  };
}
