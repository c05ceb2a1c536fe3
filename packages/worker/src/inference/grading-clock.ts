import type { Clock } from "@gumshoe/core";

/**
 * Measures the time in which a worker grades, and divides it among groups that are graded
 * concurrently: each moment counts once, for the group whose grading began first. A module grades
 * them in that order, so that a group is not charged for the time in which it waits.
 */
export class GradingClock {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Groups that are being graded, in the order of their beginning. */
  readonly #running = new Set<{ ms: number }>();
  #countedToMs = 0;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Grades a group; resolves with the grades, and with the group's share of the time in ms. */
  async measure<T>(grade: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    this.#count();
    const group = { ms: 0 };
    this.#running.add(group);
    try {
      const value = await grade();
      this.#count();
      return { value, ms: group.ms };
    } finally {
      this.#count();
      this.#running.delete(group);
    }
  }

  #count(): void {
    const nowMs = this.#clock.monotonicMs();
    const [oldest] = this.#running;
    if (oldest !== undefined) oldest.ms += nowMs - this.#countedToMs;
    this.#countedToMs = nowMs;
  }
}
