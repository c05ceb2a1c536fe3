/**
 * Chooses the tier, the size of the cases, of an iteration from the rewards of earlier iterations.
 *
 * - A tier is decided once, before the iteration, and recorded with its plan: a resumed run reads
 *   it.
 * - The decision is a pure function of the config and of the ledger's earlier iterations.
 * - It averages over the newest consecutive iterations at the current tier, so that a move is
 *   followed by a whole window at the new tier before the next move.
 */
import type { CurriculumConfig, RunConfig } from "@gumshoe/config";
import { groupKey } from "@gumshoe/protocol";
import type { TierName } from "@gumshoe/puzzles";

import type { RunState } from "../run/run-state.js";
import { numTrainGroups } from "./replacements.js";

/** Tolerance of the bounds: the mean of equal rewards is off by rounding. */
const ROUNDING = 1e-9;

/** An iteration that has been sampled. */
export interface PastIteration {
  readonly tier: TierName;
  /** Mean rewards of its groups in task order; null for a group without any scored answer. */
  readonly groupMeans: readonly (number | null)[];
}

/**
 * Decides the tier of the next iteration.
 *
 * @param past  the iterations before it, the newest last; a window of them is enough
 */
export function nextTier(config: CurriculumConfig, past: readonly PastIteration[]): TierName {
  const { tiers, window, promoteAt, demoteAt } = config;
  const first = tiers[0] as TierName;
  const tier = past.at(-1)?.tier ?? first;
  const lastOther = past.findLastIndex((iteration) => iteration.tier !== tier);
  const here = past.slice(lastOther + 1).slice(-window);
  if (here.length < window) return tier;
  const means = here.flatMap(({ groupMeans }) => groupMeans).filter((mean) => mean !== null);
  if (means.length === 0) return tier;
  const reward = means.reduce((sum, mean) => sum + mean, 0) / means.length;
  const place = tiers.indexOf(tier);
  if (reward >= promoteAt - ROUNDING) return tiers[place + 1] ?? tier;
  if (reward <= demoteAt + ROUNDING) return tiers[place - 1] ?? tier;
  return tier;
}

/**
 * Returns the tier of an iteration of a run: the recorded one, or the one to be recorded.
 *
 * @returns  null without a curriculum
 */
export function tierOf(config: RunConfig, state: RunState, iteration: number): TierName | null {
  if (config.type !== "grpo" || config.tasks.curriculum === null) return null;
  const { curriculum } = config.tasks;
  const known = state.tiers.get(iteration);
  if (known !== undefined) return known;
  const length = Math.min(iteration, curriculum.window);
  const past = Array.from({ length }, (_, i): PastIteration => {
    const earlier = iteration - length + i;
    const tier = state.tiers.get(earlier);
    if (tier === undefined) throw new Error(`iteration ${earlier} was planned without a tier`);
    const numGroups = numTrainGroups(config, state, earlier);
    const keys = Array.from({ length: numGroups }, (_, g) => groupKey(earlier, "train", g));
    return { tier, groupMeans: keys.map((key) => state.groupMeans.get(key) ?? null) };
  });
  return nextTier(curriculum, past);
}
