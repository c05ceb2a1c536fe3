import { InvalidArgumentError } from "@gumshoe/core";
import { type AnswerRules, selectAnswers } from "./answers.js";
import type { Group } from "./group.js";
import { assignLanes } from "./lanes.js";
import type { Aggregation } from "./loss/config.js";
import { weighPacks } from "./normaliser.js";
import { type OverlongRule, shapeRewards } from "./overlong.js";
import { countRowTokens, countTargets, type Pack } from "./pack.js";
import { packGroups } from "./packing.js";
import { countRollouts, type RolloutCounts } from "./rollout-counts.js";
import { type RewardShuffle, shuffleRewards } from "./shuffled-rewards.js";

/** The rules by which an iteration's groups become updates. */
export interface UpdateRules extends AnswerRules {
  readonly aggregation: Aggregation;
  /** Optimizer steps per iteration; fewer only when fewer usable groups remain. */
  readonly updatesPerIteration: number;
  /** Gradient jobs per update. */
  readonly lanes: number;
  readonly maxPackTokens: number;
  /** Shuffles the rewards of each group first, as a control; null or absent for no. */
  readonly rewardShuffle?: RewardShuffle | null;
  /** Lowers the rewards of long answers, before they are shuffled; null or absent for no. */
  readonly overlong?: OverlongRule | null;
}

/** The work of one optimizer step. */
export interface Update {
  /** The packs of each lane, in order; always the configured number of lanes. */
  readonly lanes: readonly (readonly Pack[])[];
  readonly numGroups: number;
  readonly numAnswers: number;
  /** Number of answer tokens that are scored. */
  readonly numTargetTokens: number;
  /** Number of tokens in all rows, prompts included: a measure of the work. */
  readonly numRowTokens: number;
}

/** The updates of an iteration, and counts for metrics. */
export interface UpdatePlan {
  /** Empty when no group is usable: the caller decides whether that is an error. */
  readonly updates: readonly Update[];
  readonly counts: RolloutCounts;
}

/**
 * Plans the updates of an iteration: advantages, group filter, updates, weights, packs, lanes.
 *
 * A pure function of the groups in task order and of the rules; workers and order of arrival have
 * no influence.
 */
export function planUpdates(sampled: readonly Group[], rules: UpdateRules): UpdatePlan {
  const { rewardShuffle = null, overlong = null } = rules;
  const shuffled = (groups: readonly Group[]) =>
    rewardShuffle === null ? groups : shuffleRewards(groups, rewardShuffle);
  const graded = shuffled(sampled);
  const trained = overlong === null ? graded : shuffled(shapeRewards(sampled, overlong));
  const selected = trained.map((group) => selectAnswers(group, rules));
  const trainable = selected.flatMap(({ pack }) => (pack === null ? [] : [pack]));
  const updates = splitUpdates(trainable, rules.updatesPerIteration).map((share) =>
    planUpdate(share, rules),
  );
  return { updates, counts: countRollouts(graded, selected, overlong) };
}

function planUpdate(groups: readonly Pack[], rules: UpdateRules): Update {
  const weighed = weighPacks(groups, rules.aggregation);
  const packs = packGroups(weighed, rules);
  return {
    lanes: assignLanes(packs, rules.lanes),
    numGroups: groups.length,
    numAnswers: sum(weighed.map(({ answers }) => answers.length)),
    numTargetTokens: sum(weighed.map(countTargets)),
    numRowTokens: sum(packs.map(countRowTokens)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * Splits a list into consecutive shares of nearly equal length, none of them empty.
 *
 * @returns `updatesPerIteration` shares, or one per item when there are fewer items
 */
export function splitUpdates<T>(items: readonly T[], updatesPerIteration: number): T[][] {
  if (!Number.isInteger(updatesPerIteration) || updatesPerIteration < 1) {
    const problem = `must be a whole number above 0, is ${updatesPerIteration}`;
    throw new InvalidArgumentError("updatesPerIteration", problem);
  }
  const count = Math.min(updatesPerIteration, items.length);
  return Array.from({ length: count }, (_, i) =>
    items.slice(
      Math.floor((i * items.length) / count),
      Math.floor(((i + 1) * items.length) / count),
    ),
  );
}
