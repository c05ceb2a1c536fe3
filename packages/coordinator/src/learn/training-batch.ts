import type { RolloutCounts } from "@gumshoe/grpo";

/**
 * The training data of one iteration: the packs of its updates, and counts of its rollouts; null
 * for type sft. Packs are encoded, because structured-cloning thousands of objects between threads
 * takes longer than making them.
 */
export interface TrainingBatch {
  /** The lanes of each update, each an encoded `Lane` with packs only. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts | null;
}
