import type { Clock } from "@gumshoe/core";

const WINDOW_MS = 60_000;

/** Tokens per second over the last minute, computed from a monotonic counter. */
export class TokenRate {
  readonly #clock: Clock;
  readonly #samples: { atMs: number; tokens: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds the counter's current value; returns the rate. */
  update(tokens: number): number {
    const atMs = this.#clock.monotonicMs();
    this.#samples.push({ atMs, tokens });
    while ((this.#samples[0]?.atMs ?? atMs) < atMs - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || atMs === first.atMs) return 0;
    return ((tokens - first.tokens) * 1000) / (atMs - first.atMs);
  }
}
