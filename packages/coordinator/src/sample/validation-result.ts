import { sourceOfTask } from "@gumshoe/environments";
import { meanInterval } from "@gumshoe/grpo";
import type { RewardInterval, ValidationResult } from "@gumshoe/config";
import { sampledCount, SubmitGroupRequest } from "@gumshoe/protocol";
import type { Task } from "@gumshoe/puzzles";

import type { GroupPlan } from "../plan/group-planner.js";
import type { RunRecord } from "../run/run-record.js";
import { groupRewards } from "./stored-group.js";

/** Computes the result of a validation or report from the groups in the ledger; see {@link summarise}. */
export async function validationResult(
  record: RunRecord,
  iteration: number,
  options: { plans: readonly GroupPlan[]; tasks: readonly Task[] },
): Promise<ValidationResult> {
  const rewards: (number | null)[][] = [];
  const sampled = new MeanSums();
  const greedy = new MeanSums();
  for (const { groupKey } of options.plans) {
    const blob = await record.blobs.get(record.state.groups.get(groupKey) ?? "");
    const group = SubmitGroupRequest.decode(blob);
    const sums = rewards.length < options.tasks.length ? sampled : greedy;
    for (const rollout of group.rollouts) {
      sums.add({ ...rollout.metrics, answerTokens: sampledCount(rollout) });
    }
    rewards.push(groupRewards(group));
  }
  const isGreedy = options.plans.length > options.tasks.length;
  return {
    ...summarise(iteration, rewards, options.tasks),
    means: sampled.means(),
    ...(isGreedy ? { greedyMeans: greedy.means() } : {}),
  };
}

/** Sums figures by name, leaving out values that are not finite. */
class MeanSums {
  readonly #sums = new Map<string, { sum: number; count: number }>();

  add(figures: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(figures)) {
      if (!Number.isFinite(value)) continue;
      const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 };
      this.#sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }

  /** Returns the means by name, in the order of the names. */
  means(): Record<string, number> {
    const means = [...this.#sums]
      .map(([name, { sum, count }]): [string, number] => [name, sum / count])
      .filter(([, mean]) => Number.isFinite(mean))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(means);
  }
}

/**
 * Summarises a validation: the sampled answers of every task, followed by the greedy ones.
 *
 * An answer that could not be scored is counted and left out of all means. A task without a scored
 * answer is left out: the count is the number of the remaining tasks.
 *
 * @param rewards  rewards per group: one group for every task, then optionally the greedy ones
 */
export function summarise(
  iteration: number,
  rewards: readonly (readonly (number | null)[])[],
  tasks: readonly Task[],
): ValidationResult {
  const means = rewards.map((group) => {
    const scored = group.filter((reward) => reward !== null);
    return scored.length === 0
      ? null
      : scored.reduce((sum, reward) => sum + reward, 0) / scored.length;
  });
  const greedy = means.slice(tasks.length);
  const bySource = meansBySource(means, tasks);
  const unscored = rewards.flat().filter((reward) => reward === null).length;
  return {
    iteration,
    ...toInterval(means.slice(0, tasks.length)),
    ...(greedy.length === 0 ? {} : { greedy: toInterval(greedy) }),
    ...(bySource === null ? {} : { sources: bySource }),
    ...(unscored === 0 ? {} : { unscored }),
    randomGuess: meanInterval(tasks.map(({ randomGuessLevel }) => randomGuessLevel))?.mean ?? 0,
  };
}

/** Returns the mean of each source of a mix, over its tasks; null for another environment. */
function meansBySource(
  means: readonly (number | null)[],
  tasks: readonly Task[],
): Record<string, RewardInterval> | null {
  const groups = new Map<string, (number | null)[]>();
  for (const [index, task] of tasks.entries()) {
    const source = sourceOfTask(task);
    if (source === null) continue;
    groups.set(source, [...(groups.get(source) ?? []), means[index] ?? null]);
  }
  if (groups.size === 0) return null;
  return Object.fromEntries([...groups].map(([source, values]) => [source, toInterval(values)]));
}

function toInterval(values: readonly (number | null)[]): RewardInterval {
  const interval = meanInterval(values.filter((value) => value !== null));
  if (interval === null) return { reward: 0, low: 0, high: 0, count: 0 };
  const { mean: reward, low, high, count } = interval;
  return { reward, low, high, count };
}
