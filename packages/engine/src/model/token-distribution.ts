/** The distribution that an answer's tokens are sampled from, as a function of the model's logits. */
export interface TokenDistribution {
  /** Divides the logits; 0 samples the most likely token, and then top-k, top-p and min-p have no effect. */
  readonly temperature: number;
  /** Keeps this many of the most likely tokens; null keeps all. */
  readonly topK: number | null;
  /** Keeps the fewest tokens whose probabilities, renormalised after top-k, reach this sum; 1 keeps all. */
  readonly topP: number;
  /** Keeps tokens with at least this share of the greatest probability, after top-p; 0 keeps all. */
  readonly minP: number;
  /** Number of the first tokens of an answer that cannot be stop tokens. */
  readonly minNewTokens: number;
  readonly stopTokenIds: readonly number[];
}

/** The model's own distribution. */
export const WHOLE_DISTRIBUTION: TokenDistribution = Object.freeze({
  temperature: 1,
  topK: null,
  topP: 1,
  minP: 0,
  minNewTokens: 0,
  stopTokenIds: Object.freeze([]),
});

/** A token of an answer: the distribution that it comes from, and its index in the answer. */
export interface TokenPlace {
  readonly distribution: TokenDistribution;
  readonly index: number;
}

/** Returns whether top-k, top-p or min-p apply. */
export function isCut({ temperature, topK, topP, minP }: TokenDistribution): boolean {
  return temperature !== 0 && (topK !== null || topP < 1 || minP > 0);
}

/** Returns the ids that this token cannot be. */
export function bannedIds({ distribution, index }: TokenPlace): readonly number[] {
  return index < distribution.minNewTokens ? distribution.stopTokenIds : [];
}
