/** How the ratio of new to old probability enters the loss of a token; see policy.ts. */
export type PolicyKind = "clip" | "gspo" | "cispo" | "sapo";

/** Estimator of the divergence from the reference; see kl.ts. */
export type KlEstimator = "k1" | "k2" | "k3";

/**
 * How the token losses of an update become one number; see normaliser.ts.
 *
 * - `sequence-mean`: mean over an answer's tokens, then over answers: every answer counts the same
 * - `token-mean`: mean over all tokens: long answers count more
 * - `token-sum-fixed`: sum over all tokens, divided by a constant: no update's size changes a weight
 */
export type Aggregation =
  | { readonly type: "sequence-mean" }
  | { readonly type: "token-mean" }
  | { readonly type: "token-sum-fixed"; readonly divisor: number };

/** The GRPO loss; {@link DEFAULT_LOSS} holds the recipe's values. */
export interface LossConfig {
  readonly policy: PolicyKind;
  /** A ratio below 1 - clipLow gains nothing more (`clip`, `gspo`). */
  readonly clipLow: number;
  /** A ratio above 1 + clipHigh gains nothing more (`clip`, `gspo`). */
  readonly clipHigh: number;
  /** Upper bound of the ratio of a bad answer's tokens, above 1 + clipHigh (`clip`); null for none. */
  readonly twoSided: number | null;
  /** Upper bound of the detached ratio (`cispo`). */
  readonly ratioCap: number;
  /** Sharpness of the soft gate of good answers (`sapo`). */
  readonly temperaturePositive: number;
  /** Sharpness of the soft gate of bad answers (`sapo`). */
  readonly temperatureNegative: number;
  /** Weight of the divergence from the reference model; 0 for none. */
  readonly klCoefficient: number;
  readonly klEstimator: KlEstimator;
  /** Weight of the entropy bonus; 0 for none. */
  readonly entropyCoefficient: number;
  /** Upper bound of the trainer-to-sampler ratio that corrects a token; null for no correction. */
  readonly truncatedImportanceSampling: number | null;
  readonly aggregation: Aggregation;
}

/** Supervised training: the negative log-likelihood of the answers' tokens. */
export interface CrossEntropyConfig {
  readonly policy: "cross-entropy";
}

/** What a trainer may be asked to lower. */
export type TrainingLoss = LossConfig | CrossEntropyConfig;

/** The recipe's loss: clipped at 0.2 on both sides, every answer the same weight, nothing else. */
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
