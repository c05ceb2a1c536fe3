import { blocksFor, kvBlockBytes, type ModelConfig } from "@gumshoe/engine";

import { answersInFlight, type WorkSize } from "./work-size.js";

/** Share of the memory that is left which one part may take: what else grows must find some, too. */
export const SHARE_OF_LEFT = 0.5;

/**
 * Returns the blocks of an inference worker's keys and values: what the run can have in flight, as far as
 * memory is left for it. With fewer blocks groups wait for others to end; no bit of an answer changes.
 *
 * @param leftBytes  memory that is left for this worker
 * @returns          enough for one answer with its prompt, whatever is left
 */
export function kvCacheBlocks(model: ModelConfig, work: WorkSize, leftBytes: number): number {
  if (!work.samples) return 0;
  const prompt = blocksFor(work.promptTokens);
  const answer = Math.max(1, blocksFor(work.answerTokens - 1));
  const wanted = work.groups * prompt + answersInFlight(work) * answer;
  const room = Math.floor((Math.max(0, leftBytes) * SHARE_OF_LEFT) / kvBlockBytes(model));
  return Math.max(prompt + answer, Math.min(wanted, room));
}
