/**
 * Decides the next step of a run: a pure function of its config and its ledger's state.
 *
 * - It is called before an iteration as well as after one, so a resumed run decides as the
 *   uninterrupted run did.
 * - Only completed iterations count. Events of the current iteration, or of the validation of the
 *   final weights, do not change the decision.
 */
import type { RunConfig } from "@gumshoe/config";
import { groupKey } from "@gumshoe/protocol";

import type { RunState } from "./run-state.js";

/** Iterations in a row that may make no update before the run fails. */
const MAX_IDLE_ITERATIONS = 10;

/** The next step of a run. */
export type NextStep =
  | { readonly type: "iterate"; readonly iteration: number }
  /** Validates the final weights and ends. */
  | { readonly type: "finish"; readonly because: "iterations" | "validation-drop" }
  | { readonly type: "fail"; readonly problem: string };

/** The run is preempted by another one, which its own ledger and config do not decide. */
export interface PauseStep {
  readonly type: "pause";
}

/** The step after a run's iterations, or those of its time slice. */
export type LastStep = Exclude<NextStep | PauseStep, { type: "iterate" }>;

/** Decides the next step of a run. */
export function nextStep(config: RunConfig, state: RunState): NextStep {
  const { iterationsDone } = state;
  if (isUnscored(config, state, iterationsDone - 1)) {
    const iteration = `no answer of iteration ${iterationsDone - 1} could be scored`;
    return {
      type: "fail",
      problem: `${iteration}: ${state.unscoredReason ?? "no reason is known"}`,
    };
  }
  if (countIdle(state) >= MAX_IDLE_ITERATIONS) {
    return { type: "fail", problem: idleProblem(state) };
  }
  if (iterationsDone >= config.iterations) return { type: "finish", because: "iterations" };
  if (hasDropped(config, state)) return { type: "finish", because: "validation-drop" };
  return { type: "iterate", iteration: iterationsDone };
}

/** Returns whether validation has fallen below its best by as much as `stopWhen` allows. */
function hasDropped({ stopWhen }: RunConfig, state: RunState): boolean {
  if (stopWhen === null) return false;
  const { iterationsDone } = state;
  // A validation without a scored answer has no mean to compare.
  const scored = state.validations.filter(
    ({ iteration, count }) => iteration < iterationsDone && count > 0,
  );
  const rewards = scored.map(({ reward }) => reward);
  const newest = rewards.at(-1);
  if (newest === undefined) return false;
  const best = rewards.reduce((high, reward) => Math.max(high, reward));
  return best - newest > stopWhen.validationDrop;
}

/** Counts the newest consecutive iterations that made no update. */
function countIdle({ iterationsDone, updateIterations, countedFrom }: RunState): number {
  const afterUpdate = (updateIterations.at(-1) ?? -1) + 1;
  return iterationsDone - Math.max(afterUpdate, countedFrom);
}

function idleProblem({ unscoredReason }: RunState): string {
  const unscored =
    unscoredReason === null
      ? ""
      : ` (there are answers that could not be scored: ${unscoredReason})`;
  return (
    `${MAX_IDLE_ITERATIONS} iterations in a row had no group with different rewards: ` +
    "there is nothing to learn from; try easier or harder tasks, or more rollouts per task" +
    unscored
  );
}

/** Returns whether an iteration was sampled and none of its answers has a reward. */
function isUnscored(config: RunConfig, state: RunState, iteration: number): boolean {
  if (config.type !== "grpo" || iteration < state.countedFrom) return false;
  for (let group = 0; group < config.tasks.perIteration; group++) {
    if (state.groupMeans.get(groupKey(iteration, "train", group)) !== null) return false;
  }
  return true;
}
