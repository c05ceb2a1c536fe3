import { Rng } from "@gumshoe/core";

import type { ModelConfig } from "./model-config.js";
import { parameterLayout } from "./parameter-layout.js";

/** Default standard deviation of new matrices, as in the published models. */
const DEFAULT_RANGE = 0.02;
/** Number of 16-bit draws that are summed for one normal number; the sum's variance is then 2^32 - 1. */
const DRAWS = 12;

/**
 * Draws the weights of a new model: matrices from normal(0, range), norms 1, biases 0.
 *
 * The numbers are the same on every machine, since only integer sums and one product are computed.
 *
 * @param seed   an integer; every parameter has its own stream
 * @param range  standard deviation of the matrices
 * @returns      [numParameters] f32, in canonical order
 */
export function initialParameters(
  config: ModelConfig,
  seed: number,
  range = DEFAULT_RANGE,
): Float32Array {
  const { entries, numParameters } = parameterLayout(config);
  const values = new Float32Array(numParameters);
  for (const [index, { name, shape, start, end }] of entries.entries()) {
    if (shape.length === 1) {
      values.fill(name.endsWith(".bias") ? 0 : 1, start, end);
      continue;
    }
    const rng = new Rng(seed, index);
    for (let i = start; i < end; i++) values[i] = normal(rng) * range;
  }
  return values;
}

/** A sum of uniform numbers is nearly normal up to 4 standard deviations, and needs no logarithm. */
function normal(rng: Rng): number {
  let sum = 0;
  for (let i = 0; i < DRAWS; i += 2) {
    const word = rng.uint32();
    sum += (word & 0xffff) + (word >>> 16);
  }
  return (sum - (DRAWS / 2) * 0xffff) / 0x10000;
}
