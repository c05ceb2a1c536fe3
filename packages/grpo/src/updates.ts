import { InvalidArgumentError } from "@gumshoe/core";
import { type AnswerRules, type SelectedAnswers, selectAnswers } from "./answers.js";
import { type Group } from "./group.js";
import { assignLanes } from "./lanes.js";
import { type Aggregation } from "./loss/config.js";
import { weighPackSteps } from "./normaliser.js";
import { countRowTokens, countTargets, type Pack } from "./pack.js";
import { packGroups } from "./packing.js";
import { countRollouts, type RolloutCounts } from "./rollout-counts.js";

/** How the groups of an iteration become updates. */
export interface UpdateRules extends AnswerRules {
  readonly aggregation: Aggregation;
  /** Optimizer steps per iteration; fewer only when fewer groups than this are left. */
  readonly updatesPerIteration: number;
  /** Gradient jobs per update. */
  readonly lanes: number;
  readonly maxPackTokens: number;
}

/** One optimizer step's work. */
export interface Update {
  /** The packs of each lane, in order; always as many lanes as the rules say. */
  readonly lanes: readonly (readonly Pack[])[];
  readonly numGroups: number;
  readonly numAnswers: number;
  /** Answer tokens that are scored. */
  readonly numTargetTokens: number;
  /** Tokens of all rows, prompts included: the work. */
  readonly numRowTokens: number;
}

/** An iteration's learning phase, and the counts to show. */
export interface UpdatePlan {
  /** Empty when no group is worth learning from: the caller decides whether that is an error. */
  readonly updates: readonly Update[];
  readonly counts: RolloutCounts;
}

/**
 * Plans the learning phase of an iteration: advantages, group filter, updates, weights, packs, lanes.
 *
 * A pure function of the groups in task order and of the rules: not of workers, nor of arrival.
 */
export function planUpdates(groups: readonly Group[], rules: UpdateRules): UpdatePlan {
  const steps = updateSteps(groups, rules);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does what {@link planUpdates} does, and yields after every group: so large a plan can be made in turns. */
export function* updateSteps(
  groups: readonly Group[],
  rules: UpdateRules,
): Generator<undefined, UpdatePlan> {
  const selected: SelectedAnswers[] = [];
  const trainable: Pack[] = [];
  for (const group of groups) {
    const answers = selectAnswers(group, rules);
    selected.push(answers);
    if (answers.pack !== null) trainable.push(answers.pack);
    yield;
  }
  const updates: Update[] = [];
  for (const share of splitUpdates(trainable, rules.updatesPerIteration)) {
    updates.push(yield* planUpdate(share, rules));
  }
  yield;
  return { updates, counts: countRollouts(groups, selected) };
}

function* planUpdate(groups: readonly Pack[], rules: UpdateRules): Generator<undefined, Update> {
  const packs: Pack[] = [];
  let numAnswers = 0;
  let numTargetTokens = 0;
  let numRowTokens = 0;
  for (const group of weighPackSteps(groups, rules.aggregation)) {
    yield;
    if (group === null) continue;
    numAnswers += group.answers.length;
    numTargetTokens += countTargets(group);
    for (const pack of packGroups([group], rules)) {
      numRowTokens += countRowTokens(pack);
      packs.push(pack);
    }
  }
  const lanes = assignLanes(packs, rules.lanes);
  yield;
  return { lanes, numGroups: groups.length, numAnswers, numTargetTokens, numRowTokens };
}

/**
 * Cuts a list into consecutive shares of nearly equal length, none of them empty.
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
