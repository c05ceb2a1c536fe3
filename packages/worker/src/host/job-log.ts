import type { Clock } from "@gumshoe/core";

/** Running jobs with their start times, and the number of finished ones. */
export class JobLog {
  readonly #clock: Clock;
  readonly #active = new Map<string, number>();
  numDone = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a job; counts it if it succeeds. */
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

  /** The job that has run longest; null if none is running. */
  get oldest(): { key: string; ageMs: number } | null {
    const [first] = this.#active;
    if (first === undefined) return null;
    return { key: first[0], ageMs: Math.round(this.#clock.monotonicMs() - first[1]) };
  }
}
