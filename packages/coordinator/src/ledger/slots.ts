/** Limits concurrent work to a fixed number of slots; further work waits in order of arrival. */
export class Slots {
  #numFree: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#numFree = count;
  }

  /** Runs `work` in a slot; returns its result. */
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
