/**
 * Dynamic sampling: an iteration samples the next tasks of the run's order in place of groups that
 * have no gradient, because all their rewards are equal, up to `tasks.dynamicSampling.maxReplacements`.
 *
 * - Replacements are decided in rounds, each once all groups of the iteration are in the ledger: by
 *   their rewards in task order, never by the order of their arrival.
 * - A round is recorded (`groups-replaced`) before its groups are sampled, so a resumed run reads it.
 * - The next iteration starts behind the last task that was drawn.
 *
 * @source arXiv:2503.14476, section 3.2
 */
import { hashJson } from "@gumshoe/core";
import type { RunConfig } from "@gumshoe/config";
import { groupKey } from "@gumshoe/protocol";

import { TasksChangedError } from "../errors.js";
import type { RunState } from "../run/run-state.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/** Returns how many groups an iteration samples in place of others, by the recorded rounds. */
export function numReplacements(state: RunState, iteration: number): number {
  const rounds = state.replacements.get(iteration) ?? [];
  return rounds.reduce((total, { count }) => total + count, 0);
}

/** Returns how many groups an iteration samples for training, those of the recorded rounds included. */
export function numTrainGroups(config: GrpoConfig, state: RunState, iteration: number): number {
  return config.tasks.perIteration + numReplacements(state, iteration);
}

/** Returns the first task of an iteration in the run's order. */
export function firstTask(config: GrpoConfig, state: RunState, iteration: number): number {
  let first = iteration * config.tasks.perIteration;
  for (const earlier of state.replacements.keys()) {
    if (earlier < iteration) first += numReplacements(state, earlier);
  }
  return first;
}

/**
 * Decides the next round of an iteration whose groups are all in the ledger.
 *
 * @returns  the groups to be replaced, in task order; none when the iteration is complete
 */
export function groupsToReplace(config: GrpoConfig, state: RunState, iteration: number): number[] {
  const { dynamicSampling } = config.tasks;
  if (dynamicSampling === undefined) return [];
  const numGroups = numTrainGroups(config, state, iteration);
  const equal = Array.from({ length: numGroups }, (_, index) => index).filter((index) =>
    state.equalGroups.has(groupKey(iteration, "train", index)),
  );
  // Replacements come behind all earlier groups, so those that were replaced are the first ones.
  const numDone = numReplacements(state, iteration);
  return equal.slice(numDone, dynamicSampling.maxReplacements);
}

/**
 * Compares the tasks of an iteration with those that the ledger has for it.
 *
 * @param hashes  content hashes, in task order
 * @throws        TasksChangedError
 */
export function checkRecordedTasks(
  state: RunState,
  iteration: number,
  { hashes, perIteration }: { hashes: readonly string[]; perIteration: number },
): void {
  const digest = state.taskDigests.get(iteration);
  if (digest === undefined) return;
  const parts = [{ count: perIteration, digest }, ...(state.replacements.get(iteration) ?? [])];
  let start = 0;
  for (const part of parts) {
    const found = hashJson(hashes.slice(start, start + part.count));
    if (found !== part.digest) throw new TasksChangedError(iteration);
    start += part.count;
  }
}
