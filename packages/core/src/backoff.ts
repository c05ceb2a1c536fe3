/** Delays between attempts, in ms. */
export interface BackoffDelays {
  /** Upper bound of the delay before the second attempt; doubles with each further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Returns the delay before the next attempt, in ms. Jitter spreads it between half of the nominal
 * delay and the whole, so that callers that failed together do not retry together.
 *
 * @param failures  failed attempts so far, from 1
 * @param random    returns a number from 0 to 1
 */
export function backoffMs(
  { firstDelayMs, maxDelayMs }: BackoffDelays,
  failures: number,
  random: () => number = Math.random,
): number {
  const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (failures - 1));
  return delayMs * (0.5 + random() / 2);
}
