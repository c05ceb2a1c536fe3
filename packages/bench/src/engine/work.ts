import { type ModelConfig, parameterLayout } from "@gumshoe/engine";

/**
 * Counts the floating-point operations of a forward pass over one token: two per weight (a tied head
 * counts once, as the head), and attention to `context` earlier positions.
 */
export function forwardFlops(config: ModelConfig, context: number): number {
  const { numParameters } = parameterLayout(config);
  const { tiedHead, vocabularySize, width, layers, heads, headDim } = config;
  const numWeights = numParameters - (tiedHead ? 0 : vocabularySize * width);
  return 2 * numWeights + 4 * context * heads * headDim * layers;
}

/** Counts the operations of a forward and backward pass over a sequence with causal attention. */
export function trainingFlops(config: ModelConfig, sequenceTokens: number): number {
  return 3 * sequenceTokens * forwardFlops(config, sequenceTokens / 2);
}
