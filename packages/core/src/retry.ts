import { type BackoffDelays, backoffMs } from "./backoff.js";
import type { Clock } from "./clock.js";
import { ClusterError } from "./errors.js";

/** Number and delays of attempts. */
export interface RetryPolicy extends BackoffDelays {
  /** Attempts in total, including the first. */
  readonly attempts: number;
}

/** Reported by {@link retry} before each delay. */
export interface RetryNotice {
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/**
 * Calls `work` until it succeeds, throws an error that is not retryable, or the attempts are used
 * up.
 *
 * @param work  must be idempotent
 * @throws      the last error
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  options: {
    policy: RetryPolicy;
    clock: Clock;
    signal?: AbortSignal;
    onRetry?: (notice: RetryNotice) => void;
    /** Random numbers for the jitter; default: Math.random. */
    random?: () => number;
  },
): Promise<T> {
  const { policy, clock, signal, random } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const mayRetry = error instanceof ClusterError && error.retryable;
      if (!mayRetry || attempt >= policy.attempts || signal?.aborted) throw error;
      const delayMs = backoffMs(policy, attempt, random);
      options.onRetry?.({ attempt, delayMs, error });
      await clock.sleep(delayMs, signal);
    }
  }
}
