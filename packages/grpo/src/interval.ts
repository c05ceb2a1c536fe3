/** A mean with its 95 % interval, and what it rests on. */
export interface MeanInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Standard errors to each side of a normal distribution's mean that hold 95 % of it. */
const Z_95 = 1.96;

/**
 * Computes the mean of independent values and its 95 % interval by the normal approximation.
 *
 * Pass one value per task, not per rollout: rollouts of one task are not independent.
 *
 * @returns null for no values; an interval of no width for a single one
 */
export function meanInterval(values: readonly number[]): MeanInterval | null {
  const count = values.length;
  if (count === 0) return null;
  const mean = values.reduce((total, value) => total + value, 0) / count;
  if (count === 1) return { mean, low: mean, high: mean, count };
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  const halfWidth = Z_95 * Math.sqrt(squares / (count - 1) / count);
  return { mean, low: mean - halfWidth, high: mean + halfWidth, count };
}
