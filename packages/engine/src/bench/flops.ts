import { type ModelConfig } from "../weights/model-config.js";
import { parameterLayout } from "../weights/parameter-layout.js";

/** Multiplications and additions of a weight for one token, forward. */
const FLOPS_PER_PARAMETER = 2;
/** A backward pass computes two products for each of the forward pass. */
const BACKWARD_FACTOR = 2;

/** Counts what a forward pass over `tokens` tokens at positions `start`.. computes, in FLOP. */
export function forwardFlops(config: ModelConfig, tokens: number, start = 0): number {
  const products = FLOPS_PER_PARAMETER * parametersInProducts(config) * tokens;
  // Token t looks at start + t + 1 keys: on average the middle.
  const keys = tokens * (start + (tokens + 1) / 2);
  const attention = 4 * keys * config.heads * config.headDim * config.layers;
  return products + attention;
}

/** Counts what the forward and backward pass over one sequence compute, in FLOP. */
export function trainingFlops(config: ModelConfig, tokens: number): number {
  return (1 + BACKWARD_FACTOR) * forwardFlops(config, tokens);
}

/** All parameters but an embedding that is only looked up. */
function parametersInProducts(config: ModelConfig): number {
  const { numParameters } = parameterLayout(config);
  return config.tiedHead ? numParameters : numParameters - config.vocabularySize * config.width;
}
