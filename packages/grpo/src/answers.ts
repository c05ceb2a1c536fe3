import { advantages, type AdvantageKind, hasZeroVariance } from "./advantages.js";
import { InvalidGroupError } from "./errors.js";
import { type Group, type Rollout } from "./group.js";
import { type Pack } from "./pack.js";

/** Which rollouts of a group are learned from, and with what advantage. */
export interface AnswerRules {
  readonly advantage: AdvantageKind;
  /**
   * What becomes of answers that were cut at the length limit.
   *
   * - `keep`: they count like others
   * - `mask`: they count in the group's mean, but nothing is learned from their tokens
   * - `{ penalty }`: their reward is lowered by that much first
   */
  readonly truncated: "keep" | "mask" | { readonly penalty: number };
}

/** Why nothing is learned from a group. */
export type DropReason = "zero-variance" | "unscored" | "all-masked";

/** A group as one pack of any length, without weights yet; or why it is dropped. */
export type SelectedAnswers =
  | { readonly pack: Pack; readonly dropped: null }
  | { readonly pack: null; readonly dropped: DropReason };

/**
 * Chooses the answers that a group is learned from and gives them their advantages.
 *
 * - An answer that could not be scored takes no part: it is not in the mean and not in the pack.
 * - A group whose rewards are all equal is dropped here, before anything is packed.
 * - Two answers that begin alike are both trained from their first token on: the prompt ends where the
 *   prompt ends.
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
      : [
          {
            rollout: index,
            tokens: rollout.tokens,
            logprobs: rollout.logprobs,
            advantage: values[i] as number,
            weight: 0,
          },
        ],
  );
  if (answers.length === 0) return { pack: null, dropped: "all-masked" };
  return {
    pack: { groupKey: group.key, promptTokens: group.promptTokens, answers },
    dropped: null,
  };
}

function rewardUnder({ truncated }: AnswerRules, rollout: Rollout): number {
  const reward = rollout.reward ?? NaN;
  const isPenalised = typeof truncated === "object" && rollout.finish === "length";
  return isPenalised ? reward - truncated.penalty : reward;
}
