/** Waits between tries, in ms. */
export interface BackoffDelays {
  /** The longest wait before the second try; it doubles with every further one. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Returns the wait before the next try, in ms. Waits are jittered between half of the delay and the whole, so
 * that callers that failed together do not come back together.
 *
 * @param failures  failed tries so far, from 1
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
