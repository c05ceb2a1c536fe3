import type { Checkpoint, CheckpointFileInfo, WeightVersion } from "@gumshoe/protocol";

/** A checkpoint of a run on disk. */
export interface CheckpointInfo {
  /** Number of iterations done when it was written. */
  readonly iteration: number;
  readonly weights: WeightVersion;
  /** Names, sizes and SHA-256 of its files. */
  readonly files: readonly CheckpointFileInfo[];
  readonly isLatest: boolean;
  /** Whether it validated best; always false in a run without validation. */
  readonly isBest: boolean;
  /** Mean reward of its validation; null without one. */
  readonly reward: number | null;
  /**
   * Set when the best checkpoint was downloaded but deleted before: the iteration that validated
   * best, which this checkpoint replaces; null otherwise.
   */
  readonly insteadOf: number | null;
}

/** Converts a checkpoint message. */
export function fromCheckpoint(checkpoint: Checkpoint): CheckpointInfo {
  const { iteration, weights, files, latest, best, reward, insteadOf } = checkpoint;
  return {
    iteration,
    weights: weights ?? { version: 0, digest: "" },
    files,
    isLatest: latest,
    isBest: best,
    reward: reward ?? null,
    insteadOf: insteadOf ?? null,
  };
}
