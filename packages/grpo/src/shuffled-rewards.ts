import { Rng } from "@gumshoe/core";

import type { Group } from "./group.js";

// Random stream of the control, separate from the other uses of the run's seed.
const SHUFFLE_STREAM = 5;

/** Identifies the random order of an iteration's rewards. */
export interface RewardShuffle {
  readonly seed: number;
  readonly iteration: number;
}

/**
 * Exchanges the rewards of each group among its scored answers at random: a control, in which
 * rewards have the same distribution but say nothing about the answers.
 *
 * @returns  new groups; an answer that could not be scored stays unscored
 */
export function shuffleRewards(groups: readonly Group[], shuffle: RewardShuffle): Group[] {
  return groups.map((group, index) => {
    const rng = new Rng(shuffle.seed, SHUFFLE_STREAM, shuffle.iteration, index);
    const scored = group.rollouts.filter(({ reward }) => reward !== null);
    const others = rng.shuffle(scored.map(({ reward, rewards }) => ({ reward, rewards })));
    const rollouts = group.rollouts.map((rollout) =>
      rollout.reward === null ? rollout : { ...rollout, ...others.pop() },
    );
    return { ...group, rollouts };
  });
}
