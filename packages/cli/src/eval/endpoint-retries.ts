import { backoffMs, type Clock } from "@gumshoe/core";

import type { EndpointError } from "../errors.js";

/** Most attempts of a request that fails without a requested wait. */
const MAX_TRIES = 6;
/** Timeouts before a request fails: an answer that exceeded the limit twice would do so again. */
const MAX_TIMEOUTS = 2;
const BACKOFF = { firstDelayMs: 1000, maxDelayMs: 30_000 };

/** The failures of a request so far. */
export interface RequestHistory {
  tries: number;
  /** Time of the first failure; null before it. */
  firstFailureAtMs: number | null;
  /** Number of requests answered before that; null before it. */
  numAnsweredBefore: number | null;
}

/**
 * Decides how long requests wait before they are retried.
 *
 * - A wait requested by the endpoint delays all requests, not only the rejected one.
 * - The total delay of a request is at most `maxWaitMs`.
 * - Delays have jitter, so that requests that failed together are not retried together.
 */
export class EndpointRetries {
  readonly #options: { clock: Clock; maxWaitMs: number; random: () => number };
  #heldUntilMs = 0;

  constructor(options: { clock: Clock; maxWaitMs: number; random: () => number }) {
    this.#options = options;
  }

  /** Waits until requests may be sent. */
  async untilFree(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (;;) {
      const waitMs = this.#heldUntilMs - clock.monotonicMs();
      if (waitMs <= 0) return;
      await clock.sleep(waitMs, signal);
    }
  }

  /**
   * Waits before a failed request is retried.
   *
   * @returns  null to retry, or the reason why not
   */
  async beforeRetry(
    error: EndpointError,
    history: RequestHistory,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { clock, maxWaitMs } = this.#options;
    const { kind, retryAfterMs: askedMs = null } = error.about;
    const nowMs = clock.monotonicMs();
    history.tries++;
    history.firstFailureAtMs ??= nowMs;
    const delayMs = this.#delayMs(askedMs, history.tries);
    const waitedMs = nowMs - history.firstFailureAtMs;
    if (waitedMs + delayMs > maxWaitMs) {
      const asked = askedMs === null ? "" : `, and it asks for ${seconds(askedMs)} more`;
      return `waited ${seconds(waitedMs)}${asked}; --max-wait is ${seconds(maxWaitMs)}`;
    }
    const maxTries = kind === "timeout" ? MAX_TIMEOUTS : MAX_TRIES;
    if (kind !== "refused" && history.tries >= maxTries) {
      return `tried ${history.tries} times in ${seconds(waitedMs)}`;
    }
    if (kind === "refused") {
      this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + delayMs);
      return null;
    }
    await clock.sleep(delayMs, signal);
    return null;
  }

  #delayMs(askedMs: number | null, tries: number): number {
    const { random } = this.#options;
    const delayMs = backoffMs(BACKOFF, tries, random);
    if (askedMs === null) return delayMs;
    // Apply a minimum delay from the second attempt on, even if the endpoint requests no wait.
    const leastMs = tries === 1 ? 0 : Math.min(1000, delayMs);
    return Math.max(askedMs, leastMs) + random() * Math.min(500, askedMs * 0.1);
  }
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
