import { ops } from "@gumshoe/kernels";

import type { Model } from "../model/model.js";
import { WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import { PackForward } from "../trainer/scorer.js";
import { sequencePack } from "./golden-packs.js";

/**
 * Computes the logits after every token of a sequence with the trainer's forward pass.
 *
 * @param ids  [T]
 * @returns    [T, V] f32
 */
export function sequenceLogits(model: Model, ids: readonly number[]): Float32Array {
  const { vocabularySize: vocabulary, width } = model.config;
  const rows = ids.length;
  const forward = new PackForward(model, {
    checkpointing: "layer",
    backward: false,
    sharesTransients: true,
  });
  const logits = model.device.alloc("f32", rows * vocabulary);
  try {
    // An extra last token, invisible to the others, so that the last real one also has a target.
    forward.run([sequencePack([...ids, 0], "logits")], WHOLE_DISTRIBUTION);
    const { list, workspace } = forward;
    const weight = model.parameters.head.packed;
    list.reset();
    ops.headLogits(list, { x: workspace.normed, weight, logits, rows, width, vocabulary });
    list.run();
    const values = new Float32Array(rows * vocabulary);
    model.device.read(logits, values);
    return values;
  } finally {
    model.device.free(logits);
    forward.free();
  }
}
