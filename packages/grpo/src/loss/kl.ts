import { exp } from "../exp.js";
import type { KlEstimator } from "./config.js";

/**
 * Estimates the KL divergence of the new policy from the reference at one sampled token.
 *
 * With x = reference - new (log-probs of the same token, at the same position):
 * - `k1`: -x, unbiased, may be negative
 * - `k2`: x^2 / 2, never negative, biased
 * - `k3`: e^x - x - 1, never negative, unbiased
 *
 * @returns `slope` is the derivative of `value` with respect to the new log-prob
 * @source  J. Schulman, "Approximating KL divergence", 2020
 */
export function klPenalty(
  newLogprob: number,
  referenceLogprob: number,
  estimator: KlEstimator,
): { value: number; slope: number } {
  const x = referenceLogprob - newLogprob;
  switch (estimator) {
    case "k1":
      return { value: -x, slope: 1 };
    case "k2":
      return { value: (x * x) / 2, slope: -x };
    case "k3": {
      const ratio = exp(x);
      return { value: ratio - x - 1, slope: 1 - ratio };
    }
    default:
      return estimator satisfies never;
  }
}
