/** Random choices from a seed, so that a soak can be repeated. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** Returns a number in [0, 1): mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns a whole number in [0, n). */
  below(n) {
    return Math.floor(this.next() * n);
  }

  /** Returns an element of a list, with probability proportional to its `weight`. */
  pick(list) {
    const total = list.reduce((sum, { weight = 1 }) => sum + weight, 0);
    let at = this.next() * total;
    return list.find(({ weight = 1 }) => (at -= weight) < 0) ?? list.at(-1);
  }
}
