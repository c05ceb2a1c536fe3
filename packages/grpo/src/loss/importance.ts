import { exp } from "../exp.js";
import type { TrainingLoss } from "./config.js";

/** Returns whether a loss weighs tokens by importance, and so needs the trainer's old log-probs. */
export function hasImportanceWeights(loss: TrainingLoss): boolean {
  return loss.policy !== "cross-entropy" && loss.truncatedImportanceSampling !== null;
}

/**
 * Computes the truncated importance weight of a token: the ratio of its probability under the
 * trainer before the update to that reported by the sampler, with an upper bound. It multiplies the
 * policy loss and is treated as a constant. Exactly 1 when the two are equal.
 *
 * @param oldLogprob      the trainer's log-prob before the update's first step, in nats
 * @param samplerLogprob  the sampler's log-prob, in nats
 * @source F. Yao et al., "Your efficient RL framework secretly brings you off-policy RL", 2025
 */
export function importanceWeight(
  oldLogprob: number,
  samplerLogprob: number,
  ratioCap: number,
): number {
  return Math.min(importanceRatio(oldLogprob, samplerLogprob), ratioCap);
}

/** Computes the ratio without its bound. */
export function importanceRatio(oldLogprob: number, samplerLogprob: number): number {
  return exp(oldLogprob - samplerLogprob);
}
