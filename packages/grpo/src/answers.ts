import { advantages, type AdvantageKind, hasZeroVariance } from "./advantages.js";
import { InvalidGroupError } from "./errors.js";
import { type Group, type Rollout } from "./group.js";
import { type Pack, type PackAnswer } from "./pack.js";

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
}

/** Why a group is not trained on. */
export type DropReason = "zero-variance" | "unscored" | "all-masked";

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
  const rewards = scored.map(({ reward }) => reward);
  const bad = scored.find(({ reward }) => !Number.isFinite(reward));
  if (bad) throw new InvalidGroupError(group.key, `the reward is ${bad.reward}`, bad.index);
  if (hasZeroVariance(rewards)) return { pack: null, dropped: "zero-variance" };
  const values = advantages(rewards, rules.advantage);
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

function rewardUnder({ truncated }: AnswerRules, rollout: Rollout): number {
  const reward = rollout.reward ?? NaN;
  const isPenalised = typeof truncated === "object" && rollout.finish === "length";
  return isPenalised ? reward - truncated.penalty : reward;
}
