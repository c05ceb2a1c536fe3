import { type Clock } from "./clock.js";
import { ClusterError } from "./errors.js";

/** How often and how long something is tried again. */
export interface RetryPolicy {
  /** Tries altogether, the first included. */
  readonly attempts: number;
  /** Wait before the second try; doubles with every further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** What {@link retry} tells before it waits. */
export interface RetryNotice {
  readonly attempt: number;
  readonly delayMs: number;
  readonly error: unknown;
}

/**
 * Calls `work` until it succeeds, throws something that is not retryable, or the tries are spent.
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
  },
): Promise<T> {
  const { policy, clock, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const mayRetry = error instanceof ClusterError && error.retryable;
      if (!mayRetry || attempt >= policy.attempts || signal?.aborted) throw error;
      const delayMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
      options.onRetry?.({ attempt, delayMs, error });
      await clock.sleep(delayMs, signal);
    }
  }
}
