/** One measured figure. */
export interface Figure {
  readonly name: string;
  /** What was computed, e.g. `2m` or `32 x 4096 x 512`. */
  readonly shape: string;
  readonly median: number;
  /** What nine of ten stay under, where single times differ. */
  readonly p90?: number;
  readonly unit: string;
  /** What someone else reached with the same work, on the machine that the documentation names. */
  readonly baseline?: number;
  /** How much better than the baseline: above 1 is better. */
  readonly ratio?: number;
  /** What this machine could do at best, measured in the same run. */
  readonly limit?: number;
  /** Share of the limit that was reached. */
  readonly share?: number;
}

/** Returns the middle one of some values; the upper of two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Returns the smallest of some values that at least the given share of them does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
