import { type Checkpoint, type CheckpointFileInfo, type WeightVersion } from "@gumshoe/protocol";

/** Weights that a run has written to disk. */
export interface CheckpointInfo {
  /** Iterations that were done when it was written. */
  readonly iteration: number;
  readonly weights: WeightVersion;
  /** Names, sizes and SHA-256 of its files. */
  readonly files: readonly CheckpointFileInfo[];
  readonly isLatest: boolean;
  /** The best one by validation; never in a run without validation. */
  readonly isBest: boolean;
  /** Mean reward of its validation; null where there was none. */
  readonly reward: number | null;
  /**
   * Of a download of the best checkpoint: iteration of the one that validated best and is not on disk any
   * more, so that this one came in its place; null otherwise.
   */
  readonly insteadOf: number | null;
}

/** Unpacks a checkpoint from the wire. */
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
