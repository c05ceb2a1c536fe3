import { type RolloutCounts } from "@gumshoe/grpo";

/**
 * What one iteration learns: the packs of its updates, and counts of its rollouts; null for type sft. Packs
 * are encoded: thousands of objects would take longer to pass between threads than to make.
 */
export interface TrainingBatch {
  /** Per update its lanes, each the bytes of a `Lane` that has packs and nothing else. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts | null;
}
