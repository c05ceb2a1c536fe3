/** Positions that are dealt at once, and whose counts are kept to deal from there again. */
const BLOCK = 1024;
/** Positions that are searched for the first repeated task. */
const MAX_SEARCHED = 1_000_000;

/** Where the task of a position comes from. */
export interface MixPlace {
  /** Index of the source. */
  readonly source: number;
  /** Index of the task in that source's own series. */
  readonly index: number;
}

/**
 * Deals the positions of a series to sources by weight, so that every stretch of it has their
 * shares: the next position goes to the source with the least (n + 1/2) / weight, n being the number
 * of positions that it has; of equal ones, to the first (Webster's method of apportionment).
 *
 * A position's place is a function of the weights alone: positions may be asked for in any order.
 */
export class MixOrder {
  readonly #weights: readonly number[];
  /** Positions of each source before each block. */
  readonly #counts: number[][];
  #block: { readonly number: number; readonly places: readonly MixPlace[] } | null = null;

  /** @param weights  above 0 */
  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#counts = [weights.map(() => 0)];
  }

  /** Returns the place of a position, which counts from 0. */
  at(position: number): MixPlace {
    const number = Math.floor(position / BLOCK);
    if (this.#block?.number !== number) this.#block = { number, places: this.#deal(number) };
    return this.#block.places[position % BLOCK] as MixPlace;
  }

  /**
   * Counts the positions before the first that repeats a task of its source.
   *
   * @param sizes  number of different tasks of each source; null for an endless one
   * @returns      null when there is none among the first million
   */
  size(sizes: readonly (number | null)[]): number | null {
    if (sizes.every((size) => size === null)) return null;
    for (let position = 0; position < MAX_SEARCHED; position++) {
      const { source, index } = this.at(position);
      if (index >= (sizes[source] ?? Infinity)) return position;
    }
    return null;
  }

  #deal(number: number): MixPlace[] {
    let places: MixPlace[] = [];
    for (let block = Math.min(number, this.#counts.length - 1); block <= number; block++) {
      const counts = [...(this.#counts[block] as number[])];
      places = Array.from({ length: BLOCK }, () => this.#next(counts));
      this.#counts[block + 1] ??= counts;
    }
    return places;
  }

  #next(counts: number[]): MixPlace {
    let source = 0;
    let least = Infinity;
    for (const [candidate, weight] of this.#weights.entries()) {
      const due = ((counts[candidate] as number) + 0.5) / weight;
      if (due < least) [source, least] = [candidate, due];
    }
    const index = counts[source] as number;
    counts[source] = index + 1;
    return { source, index };
  }
}
