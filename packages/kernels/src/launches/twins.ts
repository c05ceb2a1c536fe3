import type { Operation } from "../native/records.js";
import { attention, attentionBackward, kvWrite } from "./attention.js";
import { headBackward, headLogits, headLogprobs, headSample } from "./head.js";
import type { Launch, LaunchMemory, Twin } from "./launch.js";
import {
  adamw,
  adamwPacked,
  linear,
  linearBackwardInput,
  linearBackwardWeight,
  packMatrix,
  rmsNorm,
  rmsNormBackward,
  rope,
  swiglu,
  swigluBackward,
} from "./layers.js";
import { fmaPeak } from "./peak.js";
import {
  add,
  embedding,
  embeddingBackward,
  embeddingPacked,
  fill,
  gatherRows,
  scale,
  scatterAddRows,
  sumSquaresBlocks,
} from "./rows.js";

/** How each operation runs on a GPU. */
const TWINS: Readonly<Record<Operation, Twin>> = {
  embedding,
  embeddingPacked,
  embeddingBackward,
  rmsNorm,
  rmsNormBackward,
  packMatrix,
  linear,
  linearBackwardInput,
  linearBackwardWeight,
  rope,
  swiglu,
  swigluBackward,
  add,
  fill,
  scale,
  gatherRows,
  scatterAddRows,
  kvWrite,
  attention,
  attentionBackward,
  headLogits,
  headLogprobs,
  headBackward,
  headSample,
  adamw,
  adamwPacked,
  sumSquaresBlocks,
  fmaPeak,
};

/**
 * Returns the bytes of scratch memory that a record needs on a GPU.
 *
 * @param values  the record's arguments
 */
export function scratchBytesOf(operation: Operation, values: readonly number[]): number {
  return TWINS[operation].scratchBytes?.(values) ?? 0;
}

/**
 * Turns a record into launches, to be run in order.
 *
 * @param values  the record's arguments; pointers are addresses of the GPU's memory
 * @throws        ShapeError when no kernel takes the sizes
 */
export function launchesOf(
  operation: Operation,
  values: readonly number[],
  memory: LaunchMemory,
): Launch[] {
  // A launch without blocks is an error of the driver.
  return TWINS[operation]
    .launches(values, memory)
    .filter(({ grid }) => grid.every((blocks) => blocks > 0));
}
