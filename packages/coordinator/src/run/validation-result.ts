import { meanInterval } from "@gumshoe/grpo";
import { type RewardInterval, SubmitGroupRequest, type ValidationResult } from "@gumshoe/protocol";
import { type Task } from "@gumshoe/puzzles";

import { type GroupPlan } from "./group-specs.js";
import { type RunRecord } from "./run-record.js";
import { groupRewards } from "./stored-group.js";

/**
 * Computes the outcome of a validation from its groups: the sampled answers of every task, and the most
 * likely ones behind them. An answer that could not be scored counts 0: it stays in the mean.
 */
export async function validationResult(
  record: RunRecord,
  iteration: number,
  options: { plans: readonly GroupPlan[]; tasks: readonly Task[] },
): Promise<ValidationResult> {
  const { plans, tasks } = options;
  const means: number[] = [];
  for (const { groupKey } of plans) {
    const blob = await record.blobs.get(record.state.groups.get(groupKey) ?? "");
    const rewards = groupRewards(SubmitGroupRequest.decode(blob)).map((reward) => reward ?? 0);
    means.push(rewards.reduce((sum, reward) => sum + reward, 0) / Math.max(1, rewards.length));
  }
  const guesses = tasks.map(({ randomGuessLevel }) => randomGuessLevel);
  const greedy = means.slice(tasks.length);
  return {
    iteration,
    ...toInterval(means.slice(0, tasks.length)),
    ...(greedy.length === 0 ? {} : { greedy: toInterval(greedy) }),
    randomGuess: meanInterval(guesses)?.mean ?? 0,
  };
}

function toInterval(values: readonly number[]): RewardInterval {
  const interval = meanInterval(values);
  if (interval === null) return { reward: 0, low: 0, high: 0, count: 0 };
  const { mean: reward, low, high, count } = interval;
  return { reward, low, high, count };
}
