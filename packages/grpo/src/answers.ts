import { advantages, type AdvantageKind, hasZeroVariance } from "./advantages.js";
import { decoupledAdvantages, type RewardWeights } from "./decoupled-advantages.js";
import { InvalidGroupError } from "./errors.js";
import type { Group, Rollout } from "./group.js";
import type { Pack, PackAnswer } from "./pack.js";

/** The rules that select a group's rollouts and set their advantages. */
export interface AnswerRules {
  readonly advantage: AdvantageKind;
  /**
   * Treatment of answers that were cut at the length limit.
   *
   * - `keep`: like any other answer
   * - `mask`: counted in the group's mean, but not trained on
   * - `{ penalty }`: this much is first subtracted from the reward
   */
  readonly truncated: "keep" | "mask" | { readonly penalty: number };
  /** Weights of rewards that are normalised apart; null or absent to normalise their sum. */
  readonly decoupled?: RewardWeights | null;
}

/** Why a group is not trained on. */
export type DropReason = "zero-variance" | "unscored" | "all-masked";

/** A rollout that was scored, with its index in the group and its reward under the rules. */
interface ScoredRollout {
  readonly rollout: Rollout;
  readonly index: number;
  readonly reward: number;
}

/** A group as one pack of any length, without weights yet; or the reason why it is dropped. */
export type SelectedAnswers =
  | { readonly pack: Pack; readonly dropped: null }
  | { readonly pack: null; readonly dropped: DropReason };

/**
 * Selects the answers of a group that are trained on, and computes their advantages.
 *
 * - An answer that could not be scored is left out of both the mean and the pack.
 * - A group with equal rewards is dropped here, before packing.
 * - Answers with a common beginning are each trained from their first token: a shared beginning is
 *   not moved into the prompt.
 */
export function selectAnswers(group: Group, rules: AnswerRules): SelectedAnswers {
  const scored = group.rollouts.flatMap((rollout, index) =>
    rollout.reward === null ? [] : [{ rollout, index, reward: rewardUnder(rules, rollout) }],
  );
  if (scored.length === 0) return { pack: null, dropped: "unscored" };
  const bad = scored.find(({ reward }) => !Number.isFinite(reward));
  if (bad) throw new InvalidGroupError(group.key, `the reward is ${bad.reward}`, bad.index);
  const values = advantagesUnder(rules, group.key, scored);
  if (values === null) return { pack: null, dropped: "zero-variance" };
  const answers = scored.flatMap(({ rollout, index }, i) =>
    rules.truncated === "mask" && rollout.finish === "length"
      ? []
      : [packAnswer(rollout, index, values[i] as number)],
  );
  if (answers.length === 0) return { pack: null, dropped: "all-masked" };
  return {
    pack: { groupKey: group.key, promptTokens: group.promptTokens, answers },
    dropped: null,
  };
}

function packAnswer(rollout: Rollout, index: number, advantage: number): PackAnswer {
  const { tokens, segments, logprobs } = rollout;
  return { rollout: index, tokens, ...(segments && { segments }), logprobs, advantage, weight: 0 };
}

/** Returns the advantages of scored answers; null when they have no gradient. */
function advantagesUnder(
  { advantage, decoupled = null }: AnswerRules,
  groupKey: string,
  scored: readonly ScoredRollout[],
): number[] | null {
  if (decoupled === null) {
    const rewards = scored.map(({ reward }) => reward);
    return hasZeroVariance(rewards) ? null : advantages(rewards, advantage);
  }
  const rewards = scored.map(({ rollout, index }) => {
    for (const name of Object.keys(decoupled)) {
      if (Number.isFinite(rollout.rewards?.[name])) continue;
      throw new InvalidGroupError(groupKey, `has no reward ${name}`, index);
    }
    return rollout.rewards ?? {};
  });
  const values = decoupledAdvantages(rewards, decoupled, advantage);
  return values.every((value) => value === 0) ? null : values;
}

function rewardUnder({ truncated }: AnswerRules, rollout: Rollout): number {
  const reward = rollout.reward ?? NaN;
  const isPenalised = typeof truncated === "object" && rollout.finish === "length";
  return isPenalised ? reward - truncated.penalty : reward;
}
