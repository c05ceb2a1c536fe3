/** A fixed number of slots for work: what comes when all are taken waits, first come, first served. */
export class Slots {
  #numFree: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#numFree = count;
  }

  /** Does work in a slot; returns what it came to. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#numFree > 0) this.#numFree -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#numFree += 1;
      else next();
    }
  }
}
