import {
  caseRecord,
  type DifficultyRange,
  findCase,
  measureDifficulty,
  type Style,
  type TierName,
} from "@gumshoe/puzzles";

/** The cases to generate: the first ones of an endless series. */
export interface CaseSeries {
  readonly tier: TierName;
  readonly style: Style;
  readonly seed: number;
  readonly count: number;
  /** Null for any. */
  readonly difficulty: DifficultyRange | null;
}

/** Cases per chunk: some milliseconds of small ones. */
const CHUNK_CASES = 16;

/** Returns the number of chunks of a series. */
export function countChunks({ count }: CaseSeries): number {
  return Math.ceil(count / CHUNK_CASES);
}

/** Generates the records of one chunk as JSON texts. Chunks are independent of each other. */
export function makeChunk(series: CaseSeries, chunk: number): string[] {
  const first = chunk * CHUNK_CASES;
  const length = Math.min(CHUNK_CASES, series.count - first);
  return Array.from({ length }, (_, i) => makeRecord(series, first + i));
}

function makeRecord({ tier, style, seed, difficulty: range }: CaseSeries, index: number): string {
  const { made, difficulty } = findCase({ tier, style, seed, index }, { difficulty: range });
  return JSON.stringify(caseRecord(made, difficulty ?? measureDifficulty(made)));
}
