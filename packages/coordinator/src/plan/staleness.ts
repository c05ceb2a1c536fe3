/**
 * Which weights an iteration samples from. With `staleness: k` they are those after the iteration k + 1
 * before it, so that it can be sampled while later ones learn.
 *
 * - A constant of the schedule: never what happens to be newest.
 * - Pure functions of the config and of the ledger. None depends on how far sampling is ahead, but for
 *   what must be kept to go on from there.
 */
import { type RunConfig, stalenessOf } from "@gumshoe/config";

import { type RunState, weightsAfter } from "../run/run-state.js";

/** What decides about weights. */
export type WeightHistory = Pick<
  RunState,
  "digests" | "updateIterations" | "iterationsDone" | "sampledIterations" | "forkedFrom"
>;

/**
 * Returns the number of iterations that are done in the weights that an iteration samples from. The
 * first iterations of a run, or of a fork, sample from the weights that it begins with.
 */
export function iterationsInSampled(
  config: RunConfig,
  { forkedFrom }: Pick<WeightHistory, "forkedFrom">,
  iteration: number,
): number {
  const begins = Math.min(iteration, forkedFrom?.iterations ?? 0);
  return Math.max(begins, iteration - stalenessOf(config));
}

/** Returns the first iteration whose groups are not all sampled: iterations are sampled one after the other. */
export function firstUnsampled({
  iterationsDone,
  sampledIterations,
}: Pick<WeightHistory, "iterationsDone" | "sampledIterations">): number {
  let iteration = iterationsDone;
  while (sampledIterations.has(iteration)) iteration += 1;
  return iteration;
}

/**
 * Returns the newest weight version from which a run can go on: all that sampling still needs is made
 * of it, or of later ones. Infinity where it needs only weights that are not made yet.
 */
export function newestUsable(config: RunConfig, history: WeightHistory): number {
  const next = firstUnsampled(history);
  if (config.type !== "grpo" || next >= config.iterations) return Infinity;
  const needed = iterationsInSampled(config, history, next);
  return needed > history.iterationsDone ? Infinity : weightsAfter(history, needed).version;
}

/**
 * Returns the weight versions, beside the newest, that reducers keep during an update of an iteration:
 * those that open iterations, or coming ones, sample from.
 */
export function versionsToKeep(
  config: RunConfig,
  history: WeightHistory,
  iteration: number,
): number[] {
  const next = firstUnsampled(history);
  if (config.type !== "grpo" || next >= config.iterations) return [];
  const versions = new Set<number>();
  for (let done = iterationsInSampled(config, history, next); done <= iteration; done++) {
    versions.add(weightsAfter(history, done).version);
  }
  return [...versions];
}
