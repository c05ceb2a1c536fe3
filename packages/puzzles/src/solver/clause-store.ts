/**
 * Clauses of two or more literals in one array: the length, then the codes of the literals. The
 * reference of a clause is the index of its length, never 0.
 */
export class ClauseStore {
  #words = new Int32Array(1 << 12);
  #end = 1;

  /** The array; `add` may replace it. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Stores a clause; returns its reference. */
  add(codes: readonly number[]): number {
    const name = this.#end;
    const end = name + 1 + codes.length;
    if (end > this.#words.length) {
      const larger = new Int32Array(2 * Math.max(end, this.#words.length));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[name] = codes.length;
    for (let i = 0; i < codes.length; i++) this.#words[name + 1 + i] = codes[i] as number;
    this.#end = end;
    return name;
  }
}
