/**
 * The metrics of one iteration, as recorded in `iteration-done` and written to `metrics.jsonl`.
 *
 * They are a function of the ledger. docs/operations.md lists the fields with their units.
 */
import { meanInterval, type RolloutCounts } from "@gumshoe/grpo";
import {
  type RewardInterval,
  type RunConfig,
  stalenessOf,
  type ValidationResult,
} from "@gumshoe/config";
import { groupKey } from "@gumshoe/protocol";

import { numReplacements, numTrainGroups } from "../plan/replacements.js";
import { type IterationSums, sumsOf, type UpdateFigures } from "./iteration-sums.js";
import { type RunState, weightsAfter } from "./run-state.js";

type Figures = Record<string, number>;

/** Per-token means of an update, with the names that an iteration's metrics give them. */
const TOKEN_MEANS = [
  "entropy",
  "clipFraction",
  "clipFractionLow",
  "clipFractionHigh",
  "excludedFraction",
  "ratio",
  "policyKl",
  "referenceKl",
] as const;

/**
 * Computes the metrics of the current iteration, once all its events but `iteration-done` are
 * recorded.
 *
 * @param counts  of its rollouts; null for a run that does not sample
 */
export function iterationMetrics(
  config: RunConfig,
  state: RunState,
  counts: RolloutCounts | null,
): Figures {
  const iteration = state.iterationsDone;
  return {
    ...(counts === null ? {} : rolloutFigures(config, state, counts)),
    ...updateFigures(sumsOf(state).updates),
    ...validationFigures(state, iteration, "validation"),
    ...timeFigures(sumsOf(state)),
    ...(stalenessOf(config) === 0 ? {} : stalenessFigures(state)),
  };
}

/**
 * Returns the figures of the validation before an iteration, under a prefix; none if there was
 * none.
 */
export function validationFigures(state: RunState, iteration: number, prefix: string): Figures {
  const found = state.validations.find((validation) => validation.iteration === iteration);
  return found === undefined ? {} : resultFigures(found, prefix);
}

/** Returns the figures of a run's report; none if it has not been made. */
export function reportFigures({ report }: RunState): Figures {
  return report === null ? {} : resultFigures(report, "report");
}

function resultFigures(found: ValidationResult, prefix: string): Figures {
  const { greedy, unscored = 0, sources = {} } = found;
  const bySource = Object.entries(sources).map(([source, interval]) =>
    intervalFigures(`sources.${source}.${prefix}`, interval),
  );
  return {
    ...intervalFigures(prefix, found),
    ...(Object.assign({}, ...bySource) as Figures),
    [`${prefix}Unscored`]: unscored,
    ...(greedy === undefined ? {} : intervalFigures(`${prefix}Greedy`, greedy)),
  };
}

/** Without scored answers there is no mean: only the count is returned. */
function intervalFigures(prefix: string, interval: RewardInterval): Figures {
  const { reward, low, high, count } = interval;
  if (count === 0) return { [`${prefix}Count`]: 0 };
  return {
    [`${prefix}Reward`]: reward,
    [`${prefix}Low`]: low,
    [`${prefix}High`]: high,
    [`${prefix}Count`]: count,
  };
}

function rolloutFigures(config: RunConfig, state: RunState, counts: RolloutCounts): Figures {
  const { meanReward, ...rest } = counts;
  const iteration = state.iterationsDone;
  const numGroups = config.type === "grpo" ? numTrainGroups(config, state, iteration) : 0;
  const means = Array.from({ length: numGroups }, (_, group) =>
    state.groupMeans.get(groupKey(iteration, "train", group)),
  );
  const interval = meanInterval(means.filter((mean) => typeof mean === "number"));
  const figures: Figures = { ...rest };
  if (meanReward !== null) figures["meanReward"] = meanReward;
  if (interval !== null) {
    figures["rewardLow"] = interval.low;
    figures["rewardHigh"] = interval.high;
  }
  if (config.type === "grpo" && config.tasks.dynamicSampling !== undefined) {
    figures["numReplaced"] = numReplacements(state, iteration);
  }
  figures["rewardCount"] = interval?.count ?? 0;
  if (counts.numRollouts > 0) {
    figures["meanAnswerTokens"] = counts.numAnswerTokens / counts.numRollouts;
  }
  return figures;
}

/**
 * Averages over the tokens of all updates; takes the largest gradient norm and the last learning
 * rate.
 */
function updateFigures(updates: readonly UpdateFigures[]): Figures {
  const figures: Figures = { updates: updates.length };
  const last = updates.at(-1);
  if (last === undefined) return figures;
  const numTokens = sum(updates, ({ metrics }) => metrics["numTokens"] ?? 0);
  figures["loss"] = sum(updates, ({ metrics }) => metrics["loss"] ?? 0) / updates.length;
  for (const name of TOKEN_MEANS) {
    const having = updates.filter(({ metrics }) => metrics[name] !== undefined);
    const weight = sum(having, ({ metrics }) => metrics["numTokens"] ?? 0);
    const total = sum(having, ({ metrics }) => (metrics[name] ?? 0) * (metrics["numTokens"] ?? 0));
    if (weight > 0) figures[name] = total / weight;
  }
  figures["gradNorm"] = updates.reduce((most, { gradNorm }) => Math.max(most, gradNorm), 0);
  figures["learningRate"] = last.lr;
  figures["learnedTokens"] = numTokens;
  const gaps = updates.flatMap(({ logprobGapMax }) => logprobGapMax ?? []);
  if (gaps.length > 0) figures["logprobGapMax"] = Math.max(...gaps);
  return figures;
}

function timeFigures(sums: IterationSums): Figures {
  const { tasks, sampling, learning, checkpoint, other } = sums.workMs;
  return {
    sampledTokens: sums.tokens,
    seconds: (tasks + sampling + learning + checkpoint + other - sums.aheadMs) / 1000,
    taskSeconds: tasks / 1000,
    samplingSeconds: sampling / 1000,
    gradingSeconds: sums.gradingMs / 1000,
    learningSeconds: learning / 1000,
    checkpointSeconds: checkpoint / 1000,
  };
}

/** How far behind the weights its answers were, and what of its sampling took no time of its own. */
function stalenessFigures(state: RunState): Figures {
  const { iterationsDone, sampledFrom } = state;
  const first = weightsAfter(state, iterationsDone).version;
  const sampled = sampledFrom.get(iterationsDone)?.version ?? first;
  return { stalenessUpdates: first - sampled, aheadSeconds: sumsOf(state).aheadMs / 1000 };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
