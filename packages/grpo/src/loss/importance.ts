import { exp } from "../exp.js";

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
  return Math.min(exp(oldLogprob - samplerLogprob), ratioCap);
}
