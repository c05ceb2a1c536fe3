import { type SelectedAnswers } from "./answers.js";
import { type Group, type Rollout } from "./group.js";

/** What an iteration's groups consist of; every mean can be made from these and says its count. */
export interface RolloutCounts {
  readonly numGroups: number;
  /** Groups whose rewards are all equal; nothing is learned from them. */
  readonly numZeroVariance: number;
  /** Groups that nothing is learned from for another reason: all unscored, or all masked. */
  readonly numOtherwiseDropped: number;
  readonly numRollouts: number;
  /** Rollouts that could not be scored; they are in no mean. */
  readonly numUnscored: number;
  /** Rollouts that ended at the length limit. */
  readonly numTruncated: number;
  /** Rollouts that were stopped as degenerate. */
  readonly numEarlyStopped: number;
  readonly numAnswerTokens: number;
  /** Sum of the rewards of the scored rollouts, as graded. */
  readonly rewardSum: number;
  /** Mean reward of the scored rollouts; null when there is none. */
  readonly meanReward: number | null;
}

/**
 * Counts what was sampled and what of it is learned from.
 *
 * @param selected  what {@link selectAnswers} said of each group, in the same order
 */
export function countRollouts(
  groups: readonly Group[],
  selected: readonly SelectedAnswers[],
): RolloutCounts {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const rewards = rollouts.flatMap(({ reward }) => (reward === null ? [] : [reward]));
  const rewardSum = rewards.reduce((total, reward) => total + reward, 0);
  const numDropped = selected.filter(({ dropped }) => dropped !== null).length;
  const numZeroVariance = selected.filter(({ dropped }) => dropped === "zero-variance").length;
  const ended = (finish: Rollout["finish"]) =>
    rollouts.filter((rollout) => rollout.finish === finish).length;
  return {
    numGroups: groups.length,
    numZeroVariance,
    numOtherwiseDropped: numDropped - numZeroVariance,
    numRollouts: rollouts.length,
    numUnscored: rollouts.length - rewards.length,
    numTruncated: ended("length"),
    numEarlyStopped: ended("early-stop"),
    numAnswerTokens: rollouts.reduce((total, { tokens }) => total + tokens.length, 0),
    rewardSum,
    meanReward: rewards.length === 0 ? null : rewardSum / rewards.length,
  };
}
