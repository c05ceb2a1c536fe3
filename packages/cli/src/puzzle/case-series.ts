import { caseRecord, generateCase, type Style, type TierName } from "@gumshoe/puzzles";

/** Which cases are generated: the first ones of an endless series. */
export interface CaseSeries {
  readonly tier: TierName;
  readonly style: Style;
  readonly seed: number;
  readonly count: number;
}

/** Cases that a thread makes at a time: some milliseconds of small ones. */
const CHUNK_CASES = 16;

/** Number of chunks of a series. */
export function countChunks({ count }: CaseSeries): number {
  return Math.ceil(count / CHUNK_CASES);
}

/** Makes the records of one chunk, each as JSON text. No chunk depends on another. */
export function makeChunk({ tier, style, seed, count }: CaseSeries, chunk: number): string[] {
  const first = chunk * CHUNK_CASES;
  const length = Math.min(CHUNK_CASES, count - first);
  return Array.from({ length }, (_, i) =>
    JSON.stringify(caseRecord(generateCase({ tier, style, seed, index: first + i }))),
  );
}
