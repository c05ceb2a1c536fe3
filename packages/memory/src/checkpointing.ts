import type { CheckpointingChoice } from "@gumshoe/config";
import {
  batchLimits,
  type Checkpointing,
  type ModelConfig,
  workspaceBytes,
  type WorkspaceSize,
} from "@gumshoe/engine";

import { SHARE_OF_LEFT } from "./kv-cache.js";
import type { PackSize } from "./work-size.js";

/** Rows that a trainer computes together, and the memory that they may take: enough to be fast. */
export const TRAINER_BATCH = { maxBatchRows: 2048, maxActivationBytes: 640 * 2 ** 20 };

/**
 * Returns the largest batch of a trainer: as many packs of one size as it computes together.
 *
 * @param numPacks  packs of a lane
 */
export function largestBatch(
  model: ModelConfig,
  pack: PackSize,
  { numPacks, checkpointing }: { numPacks: number; checkpointing: Checkpointing },
): WorkspaceSize {
  const { maxBatchRows, sharesTransients } = batchLimits(model, TRAINER_BATCH);
  const together = Math.max(1, Math.min(numPacks, Math.floor(maxBatchRows / pack.rows)));
  return {
    rows: together * pack.rows,
    targets: together * pack.targets,
    numBlocks: together * pack.numBlocks,
    checkpointing,
    sharesTransients,
  };
}

/**
 * Decides which activations a trainer keeps. `auto` keeps all where a batch of the largest pack leaves as much
 * memory free as it takes, or is small; else each layer is computed again. No bit of a gradient depends on it.
 *
 * @param leftBytes  memory that is left for this trainer
 */
export function chooseCheckpointing(
  setting: CheckpointingChoice,
  model: ModelConfig,
  { pack, leftBytes }: { pack: PackSize; leftBytes: number },
): Checkpointing {
  if (setting !== "auto") return setting;
  const kept = largestBatch(model, pack, { numPacks: 1, checkpointing: "none" });
  const bytes = workspaceBytes(model, kept);
  return bytes <= leftBytes * SHARE_OF_LEFT ? "none" : "layer";
}
