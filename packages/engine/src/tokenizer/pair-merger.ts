/** A pair of adjacent tokens and its count in the corpus. */
export interface CountedPair {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** Ids stay below this, so that a pair fits into one exact number. */
const MAX_IDS = 2 ** 26;

interface Word {
  tokens: number[];
  readonly count: number;
}

/**
 * Counts adjacent tokens over the words of a corpus, and merges them.
 *
 * A merge touches only the words that contain the pair, so its cost is proportional to what it changes.
 */
export class PairMerger {
  readonly #words: Word[];
  readonly #counts = new Map<number, number>();
  readonly #places = new Map<number, Set<Word>>();

  /** @param words  each distinct word as token ids, with its count */
  constructor(words: Iterable<readonly [tokens: readonly number[], count: number]>) {
    this.#words = Array.from(words, ([tokens, count]) => ({ tokens: [...tokens], count }));
    for (const word of this.#words) this.#count(word, 1);
  }

  /** Returns the most frequent pair; among equals the one with the smallest ids. */
  best(): CountedPair | null {
    let best: { key: number; count: number } | null = null;
    for (const [key, count] of this.#counts) {
      if (best === null || count > best.count || (count === best.count && key < best.key)) {
        best = { key, count };
      }
    }
    if (best === null) return null;
    const right = best.key % MAX_IDS;
    return { left: (best.key - right) / MAX_IDS, right, count: best.count };
  }

  /** Replaces a pair by one token everywhere, from left to right. */
  merge(left: number, right: number, merged: number): void {
    const places = this.#places.get(left * MAX_IDS + right) ?? new Set<Word>();
    for (const word of [...places]) {
      this.#count(word, -1);
      word.tokens = mergeWithin(word.tokens, [left, right], merged);
      this.#count(word, 1);
    }
  }

  #count(word: Word, sign: 1 | -1): void {
    for (let i = 1; i < word.tokens.length; i++) {
      const key = (word.tokens[i - 1] as number) * MAX_IDS + (word.tokens[i] as number);
      const count = (this.#counts.get(key) ?? 0) + sign * word.count;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
      const places = this.#places.get(key) ?? new Set();
      if (sign === 1) places.add(word);
      else places.delete(word);
      this.#places.set(key, places);
    }
  }
}

function mergeWithin(
  tokens: readonly number[],
  [left, right]: readonly [number, number],
  merged: number,
): number[] {
  const result: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const pair = tokens[i] === left && tokens[i + 1] === right;
    result.push(pair ? merged : (tokens[i] as number));
    if (pair) i++;
  }
  return result;
}
