import { exp } from "../exp.js";

/**
 * Computes the truncated importance weight of a token: how much more probable the trainer held it
 * before the update than the sampler said, bounded from above. It multiplies the policy loss and is
 * held constant. Exactly 1 where the two agree.
 *
 * @param oldLogprob      the trainer's own, before the update's first step, in nats
 * @param samplerLogprob  what the sampler reported, in nats
 * @source F. Yao et al., "Your efficient RL framework secretly brings you off-policy RL", 2025
 */
export function importanceWeight(
  oldLogprob: number,
  samplerLogprob: number,
  ratioCap: number,
): number {
  return Math.min(exp(oldLogprob - samplerLogprob), ratioCap);
}
