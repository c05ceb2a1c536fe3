/**
 * Sums over the answer tokens of a loss. Sums are added over packs and lanes; a mean is a sum
 * divided by `numTokens`.
 */
export interface LossMetrics {
  /** The weighted loss, which training minimises. */
  readonly loss: number;
  readonly numTokens: number;
  readonly numAnswers: number;
  /** Tokens whose gradient was removed by the lower bound of the ratio. */
  readonly numClippedLow: number;
  /** Tokens whose gradient was removed by an upper bound of the ratio. */
  readonly numClippedHigh: number;
  /**
   * Sampled tokens whose new log-prob is -Infinity, because top-k, top-p or min-p exclude them under the weights that
   * are trained. Their ratio is 0, so they have no gradient; they are in no divergence and no gap.
   */
  readonly numExcluded: number;
  /** Sum of exp(new - old). */
  readonly ratioSum: number;
  /** Sum of the k3 estimates of the divergence between the old and the new policy, in nats. */
  readonly policyKlSum: number;
  /** Sum of the divergence from the reference, in nats; 0 without one. */
  readonly referenceKlSum: number;
  /** Sum of the entropies of the next-token distributions, in nats. */
  readonly entropySum: number;
  /** Largest absolute difference between the behaviour and the trainer log-probs, in nats. */
  readonly logprobGapMax: number;
  /** Position of that gap, the first of equal ones; null when the gap is 0. */
  readonly logprobGapAt: { groupKey: string; rollout: number; token: number } | null;
}

/** The metrics of no tokens. */
export const NO_METRICS: LossMetrics = Object.freeze({
  loss: 0,
  numTokens: 0,
  numAnswers: 0,
  numClippedLow: 0,
  numClippedHigh: 0,
  numExcluded: 0,
  ratioSum: 0,
  policyKlSum: 0,
  referenceKlSum: 0,
  entropySum: 0,
  logprobGapMax: 0,
  logprobGapAt: null,
});

/** Means per token, for display. */
export interface LossMeans {
  readonly loss: number;
  readonly numTokens: number;
  readonly entropy: number;
  /** Share of tokens whose gradient was removed by a bound of the ratio. */
  readonly clipFraction: number;
  /** Share of tokens whose gradient was removed by the lower bound. */
  readonly clipFractionLow: number;
  /** Share of tokens whose gradient was removed by an upper bound. */
  readonly clipFractionHigh: number;
  readonly ratio: number;
  readonly policyKl: number;
  readonly referenceKl: number;
}

/** Adds metrics from first to last: the order of floating-point sums must be fixed. */
export function mergeMetrics(list: readonly LossMetrics[]): LossMetrics {
  return list.reduce((left, right) => {
    const gap = right.logprobGapMax > left.logprobGapMax ? right : left;
    return {
      loss: left.loss + right.loss,
      numTokens: left.numTokens + right.numTokens,
      numAnswers: left.numAnswers + right.numAnswers,
      numClippedLow: left.numClippedLow + right.numClippedLow,
      numClippedHigh: left.numClippedHigh + right.numClippedHigh,
      numExcluded: left.numExcluded + right.numExcluded,
      ratioSum: left.ratioSum + right.ratioSum,
      policyKlSum: left.policyKlSum + right.policyKlSum,
      referenceKlSum: left.referenceKlSum + right.referenceKlSum,
      entropySum: left.entropySum + right.entropySum,
      logprobGapMax: gap.logprobGapMax,
      logprobGapAt: gap.logprobGapAt,
    };
  }, NO_METRICS);
}

/** Divides the sums by the number of tokens; null without tokens. */
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
