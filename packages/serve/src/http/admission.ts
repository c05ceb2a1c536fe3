import type { Clock } from "@gumshoe/core";

import { RequestProblem } from "../errors.js";

const MINUTE_MS = 60_000;
/** Callers whose rate is remembered; the one that was idle longest is forgotten. */
const MAX_CALLERS = 10_000;

/** Limits of what is admitted. */
export interface AdmissionLimits {
  /** Requests that are read or answered at a time. */
  readonly maxOpen: number;
  /** Requests that each caller's address may begin in a minute, with bursts up to that number; null: no limit. */
  readonly perMinute: number | null;
}

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * Admits requests: a bounded number at a time, and a bounded number from each address in a minute. It decides before a body is
 * read, so that refusing costs little.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  /** Tokens of each caller, the one that was idle longest first. */
  readonly #buckets = new Map<string, Bucket>();
  #numOpen = 0;

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get numOpen(): number {
    return this.#numOpen;
  }

  /**
   * Admits a request.
   *
   * @returns the function to call when it is over
   * @throws  RequestProblem, status 429
   */
  admit(caller: string): () => void {
    const { maxOpen } = this.#limits;
    if (this.#numOpen >= maxOpen) {
      throw refusal("server_busy", `${maxOpen} requests are open already, which is the limit`);
    }
    this.#takeToken(caller);
    this.#numOpen += 1;
    let isOver = false;
    return () => {
      if (!isOver) this.#numOpen -= 1;
      isOver = true;
    };
  }

  #takeToken(caller: string): void {
    const { perMinute } = this.#limits;
    if (perMinute === null) return;
    const now = this.#clock.monotonicMs();
    const { left, atMs } = this.#buckets.get(caller) ?? { left: perMinute, atMs: now };
    const filled = Math.min(perMinute, left + ((now - atMs) * perMinute) / MINUTE_MS);
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { left: Math.max(0, filled - 1), atMs: now });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_CALLERS && oldest !== undefined) this.#buckets.delete(oldest);
    if (filled >= 1) return;
    this.#buckets.set(caller, { left: filled, atMs: now });
    throw refusal("rate_limit_exceeded", `more than ${perMinute} requests a minute`);
  }
}

function refusal(code: string, message: string): RequestProblem {
  return new RequestProblem({ status: 429, type: "rate_limit_error", param: null, code }, message);
}
