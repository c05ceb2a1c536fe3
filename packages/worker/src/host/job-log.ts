import { type Clock } from "@gumshoe/core";

/** Which jobs are in hand, since when, and how many are done. */
export class JobLog {
  readonly #clock: Clock;
  readonly #active = new Map<string, number>();
  numDone = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a job and counts it when it succeeds. */
  async during<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#active.set(key, this.#clock.monotonicMs());
    try {
      const result = await work();
      this.numDone += 1;
      return result;
    } finally {
      this.#active.delete(key);
    }
  }

  /** The job that is in hand longest; null when there is none. */
  get oldest(): { key: string; ageMs: number } | null {
    const [first] = this.#active;
    if (first === undefined) return null;
    return { key: first[0], ageMs: Math.round(this.#clock.monotonicMs() - first[1]) };
  }
}
