/** One measured figure. */
export interface Figure {
  readonly name: string;
  /** Size of the work, e.g. `2m` or `32 x 4096 x 512`. */
  readonly shape: string;
  readonly median: number;
  /** 90th percentile, where single times vary. */
  readonly p90?: number;
  readonly unit: string;
  /** Result of other software for the same work, on the machine named in the documentation. */
  readonly baseline?: number;
  /** Improvement over the baseline: above 1 is better. */
  readonly ratio?: number;
  /** Limit of this machine, measured in the same run. */
  readonly limit?: number;
  /** Ratio of value and limit. */
  readonly share?: number;
}

/** Returns the median of some values; the upper of two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Returns the smallest value that is at least as large as the given share of the values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
