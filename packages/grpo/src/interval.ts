/** A mean with its 95 % confidence interval and its number of values. */
export interface MeanInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Half-width of a normal distribution's central 95 %, in standard errors. */
const Z_95 = 1.96;
/**
 * Number of assumed further values of the largest variance that the mean allows, 0 or 1. Without
 * them, 200 zeros would have an interval of no width.
 */
const ASSUMED_EXTREMES = 1;

/**
 * Computes the mean of independent values and its 95 % confidence interval.
 *
 * - Values from 0 to 1 get Wilson's score interval, which stays within 0 and 1 and has a nonzero
 *   width even if all values are 0 or all are 1. For values in between it is narrowed by the ratio
 *   of their variance to mean x (1 - mean), the largest possible; for values of 0 and 1 it is
 *   Wilson's own.
 * - Other values get the normal approximation.
 *
 * Pass one value per task, not per rollout: rollouts of one task are not independent.
 *
 * @returns null for no values; an interval of no width for a single one outside of 0 to 1
 * @source  Wilson, "Probable inference, the law of succession, and statistical inference", JASA
 *   1927
 */
export function meanInterval(values: readonly number[]): MeanInterval | null {
  const count = values.length;
  if (count === 0) return null;
  const mean = values.reduce((total, value) => total + value, 0) / count;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  const isShare = values.every((value) => value >= 0 && value <= 1);
  if (isShare) return { mean, ...scoreInterval(mean, squares, count), count };
  if (count === 1) return { mean, low: mean, high: mean, count };
  const halfWidth = Z_95 * Math.sqrt(squares / (count - 1) / count);
  return { mean, low: mean - halfWidth, high: mean + halfWidth, count };
}

/**
 * Returns whether a mean is significantly below another: whether the 95 % interval of the
 * difference, composed of the two means' intervals, excludes 0.
 *
 * @source  Newcombe, "Interval estimation for the difference between independent proportions", 1998
 */
export function isBelow(lower: MeanInterval, upper: MeanInterval): boolean {
  const difference = upper.mean - lower.mean;
  const [above, below] = [lower.high - lower.mean, upper.mean - upper.low];
  // A root is rounded alike by all JavaScript engines, which Math.hypot is not; the best weights depend on it.
  return difference > Math.sqrt(above * above + below * below);
}

/**
 * Computes Wilson's score interval for the mean of values from 0 to 1.
 *
 * @param squares  sum of the squared differences from the mean
 */
function scoreInterval(
  mean: number,
  squares: number,
  count: number,
): { low: number; high: number } {
  const largest = count * mean * (1 - mean);
  const dispersion = (squares + ASSUMED_EXTREMES) / (largest + ASSUMED_EXTREMES);
  // Number of values of 0 and 1 that would determine the mean equally well.
  const effective = count / Math.min(1, dispersion);
  const shrink = 1 + Z_95 ** 2 / effective;
  const centre = (mean + Z_95 ** 2 / (2 * effective)) / shrink;
  const variance = (mean * (1 - mean)) / effective + (Z_95 / (2 * effective)) ** 2;
  const halfWidth = (Z_95 / shrink) * Math.sqrt(Math.max(0, variance));
  // Rounding may exceed 0 and 1, and the mean if it is 0 or 1.
  return {
    low: Math.min(mean, Math.max(0, centre - halfWidth)),
    high: Math.max(mean, Math.min(1, centre + halfWidth)),
  };
}
