/** How the ratio of new to old probability is used in a token's loss; see policy.ts. */
export type PolicyKind = "clip" | "gspo" | "cispo" | "sapo";

/** Estimator of the divergence from the reference; see kl.ts. */
export type KlEstimator = "k1" | "k2" | "k3";

/**
 * How the token losses of an update are aggregated; see normaliser.ts.
 *
 * - `sequence-mean`: mean over an answer's tokens, then over answers: all answers have equal weight
 * - `token-mean`: mean over all tokens: longer answers have more weight
 * - `token-sum-fixed`: sum over all tokens, divided by a constant: weights do not depend on the
 *   update's size
 */
export type Aggregation =
  | { readonly type: "sequence-mean" }
  | { readonly type: "token-mean" }
  | { readonly type: "token-sum-fixed"; readonly divisor: number };

/** The GRPO loss; {@link DEFAULT_LOSS} holds the recipe's values. */
export interface LossConfig {
  readonly policy: PolicyKind;
  /** Lowering a ratio below 1 - clipLow gains nothing (`clip`, `gspo`). */
  readonly clipLow: number;
  /** Raising a ratio above 1 + clipHigh gains nothing (`clip`, `gspo`). */
  readonly clipHigh: number;
  /**
   * Upper bound of the ratio for tokens of bad answers, above 1 + clipHigh (`clip`); null for none.
   */
  readonly twoSided: number | null;
  /** Upper bound of the detached ratio (`cispo`). */
  readonly ratioCap: number;
  /** Temperature of the soft gate of good answers (`sapo`). */
  readonly temperaturePositive: number;
  /** Temperature of the soft gate of bad answers (`sapo`). */
  readonly temperatureNegative: number;
  /** Weight of the divergence from the reference model; 0 for none. */
  readonly klCoefficient: number;
  readonly klEstimator: KlEstimator;
  /** Weight of the entropy bonus; 0 for none. */
  readonly entropyCoefficient: number;
  /** Upper bound of the trainer-to-sampler ratio that weights a token; null for no correction. */
  readonly truncatedImportanceSampling: number | null;
  readonly aggregation: Aggregation;
}

/** Supervised training: the negative log-likelihood of the answers' tokens. */
export interface CrossEntropyConfig {
  readonly policy: "cross-entropy";
}

/** A loss that a trainer can minimise. */
export type TrainingLoss = LossConfig | CrossEntropyConfig;

/** The recipe's loss: clipped at 0.2 on both sides, equal weight for every answer, nothing else. */
export const DEFAULT_LOSS: LossConfig = Object.freeze({
  policy: "clip",
  clipLow: 0.2,
  clipHigh: 0.2,
  twoSided: null,
  ratioCap: 1.28,
  temperaturePositive: 1,
  temperatureNegative: 1.05,
  klCoefficient: 0,
  klEstimator: "k3",
  entropyCoefficient: 0,
  truncatedImportanceSampling: null,
  aggregation: Object.freeze({ type: "sequence-mean" }),
});
