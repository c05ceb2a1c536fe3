/**
 * The reference of the divergence in the loss: the weights that a run starts from or, with
 * `reference.refreshEvery: n`, those before iteration 0, n, 2n and so on.
 *
 * - Which weights they are is a function of the config and of the ledger's digests.
 * - They are durable: the model's folder, or the checkpoint that is written where they are refreshed and
 *   kept as long as they are in use.
 */
import type { RunConfig } from "@gumshoe/config";

import { type RunState, type Weights, weightsAfter } from "../run/run-state.js";

/** The reference of one or more iterations. */
export interface Reference {
  /** The first iteration that they are the reference of. */
  readonly iteration: number;
  readonly weights: Weights;
}

/** Returns the reference of an iteration; null for a loss without a divergence. */
export function referenceOf(
  config: RunConfig,
  state: Pick<RunState, "digests" | "updateIterations">,
  iteration: number,
): Reference | null {
  const every = refreshEvery(config);
  if (every === null) return null;
  const first = iteration - (iteration % every);
  return { iteration: first, weights: weightsAfter(state, first) };
}

/** Returns whether the weights after this many iterations become the reference. */
export function isRefreshDue(config: RunConfig, iterationsDone: number): boolean {
  const every = refreshEvery(config);
  return every !== null && iterationsDone % every === 0;
}

/** Iterations that have one reference; Infinity where it is never refreshed, null where there is none. */
function refreshEvery(config: RunConfig): number | null {
  if (config.type !== "grpo" || config.loss.klCoefficient === 0) return null;
  return config.reference?.refreshEvery ?? Infinity;
}
