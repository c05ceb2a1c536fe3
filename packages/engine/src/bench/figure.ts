/** One measured figure. */
export interface Figure {
  readonly name: string;
  /** Name of the model's shape, see {@link SHAPES}. */
  readonly shape: string;
  readonly median: number;
  readonly unit: string;
  /** What others reached with the same work, on the machine that {@link BASELINES} names. */
  readonly baseline?: number;
  /** How much better than the baseline: above 1 is better. */
  readonly ratio?: number;
  /** What this machine could do at best, from its peak as measured in the same run. */
  readonly limit?: number;
  /** Share of the limit that was reached. */
  readonly share?: number;
}

/** How often something is timed. */
export interface Repetitions {
  /** The first runs, which grow buffers and warm caches, are not counted. */
  readonly warmUp: number;
  readonly counted: number;
}

/** Makes a figure of a rate, with its limit and, where there is one, its baseline. */
export function rateFigure(
  what: { name: string; shape: string; unit: string },
  rate: number,
  references: { limit: number; baseline: number | null },
): Figure {
  const { limit, baseline } = references;
  const compared = baseline === null ? {} : { baseline, ratio: rate / baseline };
  return { ...what, median: rate, ...compared, limit, share: rate / limit };
}

/** Returns the middle one of some values; the upper of two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs something several times and returns what the counted runs returned. */
export function repeat<T>(repetitions: Repetitions, run: () => T): T[] {
  for (let i = 0; i < repetitions.warmUp; i++) run();
  return Array.from({ length: repetitions.counted }, run);
}
