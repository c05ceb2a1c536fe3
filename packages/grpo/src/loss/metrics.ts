/**
 * Sums over the answer tokens that a loss was computed on. Sums add up over packs and lanes; a mean is
 * a sum divided by `numTokens`.
 */
export interface LossMetrics {
  /** The weighted loss: what is lowered. */
  readonly loss: number;
  readonly numTokens: number;
  readonly numAnswers: number;
  /** Tokens that lost their gradient to the lower bound of the ratio. */
  readonly numClippedLow: number;
  /** Tokens that lost their gradient to an upper bound of the ratio. */
  readonly numClippedHigh: number;
  /** Sum of exp(new - old). */
  readonly ratioSum: number;
  /** Sum of the k3 estimates of the divergence between the old and the new policy, in nats. */
  readonly policyKlSum: number;
  /** Sum of the divergence from the reference, in nats; 0 without one. */
  readonly referenceKlSum: number;
  /** Sum of the entropies of the next-token distributions, in nats. */
  readonly entropySum: number;
  /** Largest difference between the behaviour's and the trainer's log-prob, in nats. */
  readonly logprobGapMax: number;
  /** Where it was, the first one of equal ones; null when the gap is 0. */
  readonly logprobGapAt: { groupKey: string; rollout: number; token: number } | null;
}

/** The metrics of nothing. */
export const NO_METRICS: LossMetrics = Object.freeze({
  loss: 0,
  numTokens: 0,
  numAnswers: 0,
  numClippedLow: 0,
  numClippedHigh: 0,
  ratioSum: 0,
  policyKlSum: 0,
  referenceKlSum: 0,
  entropySum: 0,
  logprobGapMax: 0,
  logprobGapAt: null,
});

/** Means per token, for people. */
export interface LossMeans {
  readonly loss: number;
  readonly numTokens: number;
  readonly entropy: number;
  /** Share of the tokens that a bound of the ratio took the gradient of. */
  readonly clipFraction: number;
  /** Share that the lower bound took the gradient of. */
  readonly clipFractionLow: number;
  /** Share that an upper bound took the gradient of. */
  readonly clipFractionHigh: number;
  readonly ratio: number;
  readonly policyKl: number;
  readonly referenceKl: number;
}

/** Adds metrics up from first to last; sums of floating-point numbers need their order fixed. */
export function mergeMetrics(list: readonly LossMetrics[]): LossMetrics {
  return list.reduce((left, right) => {
    const gap = right.logprobGapMax > left.logprobGapMax ? right : left;
    return {
      loss: left.loss + right.loss,
      numTokens: left.numTokens + right.numTokens,
      numAnswers: left.numAnswers + right.numAnswers,
      numClippedLow: left.numClippedLow + right.numClippedLow,
      numClippedHigh: left.numClippedHigh + right.numClippedHigh,
      ratioSum: left.ratioSum + right.ratioSum,
      policyKlSum: left.policyKlSum + right.policyKlSum,
      referenceKlSum: left.referenceKlSum + right.referenceKlSum,
      entropySum: left.entropySum + right.entropySum,
      logprobGapMax: gap.logprobGapMax,
      logprobGapAt: gap.logprobGapAt,
    };
  }, NO_METRICS);
}

/** Divides the sums by the number of tokens; null when there were none. */
export function meanMetrics(metrics: LossMetrics): LossMeans | null {
  const { loss, numTokens } = metrics;
  if (numTokens === 0) return null;
  return {
    loss,
    numTokens,
    entropy: metrics.entropySum / numTokens,
    clipFraction: (metrics.numClippedLow + metrics.numClippedHigh) / numTokens,
    clipFractionLow: metrics.numClippedLow / numTokens,
    clipFractionHigh: metrics.numClippedHigh / numTokens,
    ratio: metrics.ratioSum / numTokens,
    policyKl: metrics.policyKlSum / numTokens,
    referenceKl: metrics.referenceKlSum / numTokens,
  };
}
