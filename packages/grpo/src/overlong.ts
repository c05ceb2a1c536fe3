import type { Group } from "./group.js";

/** The length penalty: how much is subtracted from the reward of which answers. */
export interface OverlongRule {
  /** Longest answer, in tokens. */
  readonly maxAnswerTokens: number;
  /** Tokens before it in which the penalty grows linearly, from 0. */
  readonly bufferTokens: number;
  /** Subtracted from the reward of the longest answer. */
  readonly penalty: number;
}

/**
 * Computes the penalty of an answer, given tokens of several turns included: 0 up to maxAnswerTokens - bufferTokens tokens, from there
 * linear to `penalty` at maxAnswerTokens.
 *
 * @source arXiv:2503.14476, equation 13 (soft overlong punishment), where `penalty` is 1
 */
export function overlongPenalty(numTokens: number, rule: OverlongRule): number {
  const { maxAnswerTokens, bufferTokens, penalty } = rule;
  const numOver = numTokens - (maxAnswerTokens - bufferTokens);
  return numOver <= 0 ? 0 : penalty * Math.min(1, numOver / bufferTokens);
}

/** Subtracts the penalty from every reward; an answer that could not be scored stays unscored. */
export function shapeRewards(groups: readonly Group[], rule: OverlongRule): Group[] {
  return groups.map((group) => ({
    ...group,
    rollouts: group.rollouts.map((rollout) => ({
      ...rollout,
      reward:
        rollout.reward === null
          ? null
          : rollout.reward - overlongPenalty(rollout.tokens.length, rule),
    })),
  }));
}
