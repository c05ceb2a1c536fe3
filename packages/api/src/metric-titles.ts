import type { MetricSection } from "./series.js";

/** How a metric is named for people. */
export interface MetricTitle {
  readonly title: string;
  /** Empty for a number without unit. */
  readonly unit: string;
  readonly section: MetricSection;
}

const TITLES: Readonly<Record<string, readonly [MetricSection, string, string?]>> = {
  meanReward: ["reward", "Reward"],
  rewardLow: ["reward", "Reward, lower bound"],
  rewardHigh: ["reward", "Reward, upper bound"],
  rewardCount: ["reward", "Groups in the mean reward"],
  rewardSum: ["reward", "Sum of rewards"],
  reportReward: ["reward", "Report, sampled"],
  reportLow: ["reward", "Report, sampled, lower bound"],
  reportHigh: ["reward", "Report, sampled, upper bound"],
  reportCount: ["reward", "Tasks in the report"],
  reportUnscored: ["reward", "Report answers without a score"],
  reportGreedyReward: ["reward", "Report, greedy"],
  reportGreedyLow: ["reward", "Report, greedy, lower bound"],
  reportGreedyHigh: ["reward", "Report, greedy, upper bound"],
  reportGreedyCount: ["reward", "Tasks in the report's greedy answers"],
  validationReward: ["reward", "Validation, sampled"],
  validationLow: ["reward", "Validation, sampled, lower bound"],
  validationHigh: ["reward", "Validation, sampled, upper bound"],
  validationCount: ["reward", "Tasks in the validation"],
  validationUnscored: ["reward", "Validation answers without a score"],
  validationGreedyReward: ["reward", "Validation, greedy"],
  validationGreedyLow: ["reward", "Validation, greedy, lower bound"],
  validationGreedyHigh: ["reward", "Validation, greedy, upper bound"],
  validationGreedyCount: ["reward", "Tasks in the greedy validation"],
  numGroups: ["answers", "Groups"],
  numZeroVariance: ["answers", "Groups with equal rewards"],
  zeroVarianceShare: ["answers", "Share of groups with equal rewards"],
  numReplaced: ["answers", "Groups sampled in place of others"],
  numOtherwiseDropped: ["answers", "Groups dropped for another reason"],
  numRollouts: ["answers", "Answers"],
  numUnscored: ["answers", "Answers without a score"],
  numTruncated: ["answers", "Answers cut at the length limit"],
  truncatedShare: ["answers", "Share of answers cut at the length limit"],
  numOverlong: ["answers", "Answers with a length penalty"],
  overlongShare: ["answers", "Share of answers with a length penalty"],
  meanOverlongPenalty: ["answers", "Mean length penalty"],
  numEarlyStopped: ["answers", "Answers stopped as degenerate"],
  earlyStoppedShare: ["answers", "Share of answers stopped as degenerate"],
  numAnswerTokens: ["answers", "Tokens of the answers", "tokens"],
  meanAnswerTokens: ["answers", "Mean answer length", "tokens"],
  entropy: ["policy", "Entropy", "nats"],
  clipFraction: ["policy", "Clipped tokens"],
  clipFractionLow: ["policy", "Clipped tokens, lower bound"],
  clipFractionHigh: ["policy", "Clipped tokens, upper bound"],
  excludedFraction: ["policy", "Tokens that sampling would now exclude"],
  ratio: ["policy", "Probability ratio"],
  policyKl: ["policy", "KL to the sampling policy", "nats"],
  referenceKl: ["policy", "KL to the reference", "nats"],
  stalenessUpdates: ["policy", "Updates from sampling to learning"],
  logprobGapMax: ["policy", "Log-prob gap of sampler and trainer", "nats"],
  loss: ["optimizer", "Loss"],
  gradNorm: ["optimizer", "Gradient norm before clipping"],
  learningRate: ["optimizer", "Learning rate"],
  updates: ["optimizer", "Updates"],
  learnedTokens: ["optimizer", "Tokens learned from", "tokens"],
  sampledTokens: ["speed", "Tokens sampled, validations included", "tokens"],
  seconds: ["speed", "Time of the iteration", "s"],
  samplingSeconds: ["speed", "Sampling", "s"],
  aheadSeconds: ["speed", "Sampling while another iteration learned", "s"],
  gradingSeconds: ["speed", "Grading, summed over workers", "s"],
  learningSeconds: ["speed", "Learning", "s"],
  checkpointSeconds: ["speed", "Checkpoint", "s"],
  sampledTokensPerSecond: ["speed", "Tokens sampled per second", "tokens/s"],
  learnedTokensPerSecond: ["speed", "Tokens learned per second", "tokens/s"],
  coreSeconds: ["speed", "Core time", "s"],
  gpuSeconds: ["speed", "GPU time", "s"],
};

const GRADED = "graded.";
const REWARDS = "rewards.";
const OF_SOURCE = /^sources\.([^.]+)\.(\w+)$/;
const FINAL_VALIDATION = "finalValidation";

/**
 * Names a metric of `metrics.jsonl` for people; `graded.NAME` is a metric of the environment,
 * `rewards.NAME` one of its rewards, `sources.NAME.METRIC` a metric of one source of a mix.
 */
export function describeMetric(name: string): MetricTitle {
  if (name.startsWith(GRADED)) {
    return { title: name.slice(GRADED.length), unit: "", section: "environment" };
  }
  const [, source = "", metric = ""] = OF_SOURCE.exec(name) ?? [];
  if (source !== "") {
    const { title, unit, section } = describeMetric(metric);
    return { title: `${title}, ${source}`, unit, section };
  }
  if (name.startsWith(REWARDS)) {
    return { title: `Reward ${name.slice(REWARDS.length)}`, unit: "", section: "reward" };
  }
  if (name.startsWith(FINAL_VALIDATION)) {
    const { title } = describeMetric(`validation${name.slice(FINAL_VALIDATION.length)}`);
    return { title: `${title}, final weights`, unit: "", section: "reward" };
  }
  const found = TITLES[name];
  if (found === undefined) return { title: name, unit: "", section: "other" };
  const [section, title, unit = ""] = found;
  return { title, unit, section };
}
