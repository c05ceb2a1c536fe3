/** Positions in a word stay below this and ranks below 2^22, so that both fit into one exact number. */
const MAX_LENGTH = 2 ** 31;

/** The ranks of the pairs that a BPE merges; the lowest rank is merged first. */
export class PairRanks {
  readonly #ranks = new Map<string, Map<string, number>>();

  /** @param merges  in order of rank; of equal pairs the last one counts */
  constructor(merges: readonly (readonly [string, string])[]) {
    for (const [rank, [left, right]] of merges.entries()) {
      const ofLeft = this.#ranks.get(left) ?? new Map<string, number>();
      this.#ranks.set(left, ofLeft.set(right, rank));
    }
  }

  /** Returns the rank of a pair, or -1. */
  of(left: string, right: string): number {
    return this.#ranks.get(left)?.get(right) ?? -1;
  }
}

/**
 * Merges the pairs of a word in order of rank, the leftmost of equals first, in O(n log n).
 *
 * @param parts  characters of the word
 */
export function mergeWord(parts: string[], ranks: PairRanks): string[] {
  const { length } = parts;
  const next = Int32Array.from({ length }, (_, i) => i + 1);
  const previous = Int32Array.from({ length }, (_, i) => i - 1);
  /** Rank of the pair that begins at a position; -1 for none. */
  const rankAt = new Int32Array(length).fill(-1);
  const queue = new LowestFirst(length);
  const look = (at: number): void => {
    const right = next[at] as number;
    const rank = right < length ? ranks.of(parts[at] as string, parts[right] as string) : -1;
    rankAt[at] = rank;
    if (rank >= 0) queue.push(rank * MAX_LENGTH + at);
  };
  for (let at = 0; at < length; at++) look(at);
  for (let key = queue.pop(); key >= 0; key = queue.pop()) {
    const at = key % MAX_LENGTH;
    // The entry is stale if an earlier merge consumed a part of the pair.
    if (rankAt[at] !== (key - at) / MAX_LENGTH) continue;
    const right = next[at] as number;
    const after = next[right] as number;
    parts[at] = (parts[at] as string) + (parts[right] as string);
    next[at] = after;
    if (after < length) previous[after] = at;
    rankAt[right] = -1;
    look(at);
    if ((previous[at] as number) >= 0) look(previous[at] as number);
  }
  const merged: string[] = [];
  for (let at = 0; at < length; at = next[at] as number) merged.push(parts[at] as string);
  return merged;
}

/** A min-heap of non-negative numbers. */
class LowestFirst {
  #keys: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(Math.max(1, capacity));
  }

  push(key: number): void {
    if (this.#size === this.#keys.length) {
      const larger = new Float64Array(2 * this.#size);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    const keys = this.#keys;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((keys[parent] as number) <= key) break;
      keys[at] = keys[parent] as number;
      at = parent;
    }
    keys[at] = key;
  }

  /** Removes and returns the lowest key; -1 if empty. */
  pop(): number {
    if (this.#size === 0) return -1;
    const keys = this.#keys;
    const lowest = keys[0] as number;
    const last = keys[--this.#size] as number;
    let at = 0;
    for (let child = 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      if ((keys[child] as number) >= last) break;
      keys[at] = keys[child] as number;
      at = child;
    }
    keys[at] = last;
    return lowest;
  }
}
