import type { SelectedAnswers } from "./answers.js";
import type { Group } from "./group.js";
import { countSampled } from "./segments.js";
import { overlongPenalty, type OverlongRule } from "./overlong.js";

/**
 * Counts of an iteration's groups and rollouts, from which every mean can be computed with its
 * count.
 */
export interface RolloutCounts {
  readonly numGroups: number;
  /** Groups whose rewards are all equal, which are not trained on. */
  readonly numZeroVariance: number;
  /** Groups that are not trained on for another reason: all unscored, or all masked. */
  readonly numOtherwiseDropped: number;
  readonly numRollouts: number;
  /** Rollouts that could not be scored, and are left out of all means. */
  readonly numUnscored: number;
  /** Rollouts that ended at the length limit. */
  readonly numTruncated: number;
  /** Rollouts with a length penalty; absent without the rule. */
  readonly numOverlong?: number;
  /** Mean length penalty of the rollouts; absent without the rule. */
  readonly meanOverlongPenalty?: number;
  /** Rollouts that were stopped as degenerate. */
  readonly numEarlyStopped: number;
  /** Sampled tokens. */
  readonly numAnswerTokens: number;
  /** Sum of the rewards of the scored rollouts, as graded. */
  readonly rewardSum: number;
  /** Mean reward of the scored rollouts; null when there is none. */
  readonly meanReward: number | null;
}

/**
 * Counts the rollouts that were sampled, and those that are trained on.
 *
 * @param groups    with rewards as graded
 * @param selected  result of {@link selectAnswers} for each group, in the same order
 */
export function countRollouts(
  groups: readonly Group[],
  selected: readonly SelectedAnswers[],
  overlong: OverlongRule | null = null,
): RolloutCounts {
  let numRollouts = 0;
  let numScored = 0;
  let rewardSum = 0;
  let numTruncated = 0;
  let numEarlyStopped = 0;
  let numAnswerTokens = 0;
  for (const { rollouts } of groups) {
    for (const rollout of rollouts) {
      const { reward, finish } = rollout;
      numRollouts += 1;
      if (reward !== null) {
        numScored += 1;
        rewardSum += reward;
      }
      if (finish === "length") numTruncated += 1;
      if (finish === "early-stop") numEarlyStopped += 1;
      numAnswerTokens += countSampled(rollout);
    }
  }
  const numDropped = selected.filter(({ dropped }) => dropped !== null).length;
  const numZeroVariance = selected.filter(({ dropped }) => dropped === "zero-variance").length;
  return {
    numGroups: groups.length,
    numZeroVariance,
    numOtherwiseDropped: numDropped - numZeroVariance,
    numRollouts,
    numUnscored: numRollouts - numScored,
    numTruncated,
    ...(overlong === null ? {} : countOverlong(groups, overlong)),
    numEarlyStopped,
    numAnswerTokens,
    rewardSum,
    meanReward: numScored === 0 ? null : rewardSum / numScored,
  };
}

function countOverlong(groups: readonly Group[], rule: OverlongRule) {
  const penalties = groups.flatMap(({ rollouts }) =>
    rollouts.map(({ tokens }) => overlongPenalty(tokens.length, rule)),
  );
  const total = penalties.reduce((sum, penalty) => sum + penalty, 0);
  return {
    numOverlong: penalties.filter((penalty) => penalty > 0).length,
    meanOverlongPenalty: penalties.length === 0 ? 0 : total / penalties.length,
  };
}
