import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import type { Group } from "./group.js";
import { shuffleRewards } from "./shuffled-rewards.js";
import { planUpdates, type UpdateRules } from "./updates.js";

const SIZE = 16;

/** Groups whose answers score only if they are long; the last answer could not be scored. */
const GROUPS: readonly Group[] = Array.from({ length: 200 }, (_, group) => ({
  key: `0/train/${group}`,
  promptTokens: Int32Array.of(1),
  rollouts: Array.from({ length: SIZE + 1 }, (_, i) => ({
    tokens: new Int32Array(i % 2 === 0 ? 9 : 3),
    logprobs: new Float32Array(i % 2 === 0 ? 9 : 3),
    reward: i === SIZE ? null : i % 2 === 0 ? 1 : 0,
    finish: "stop" as const,
  })),
}));

const rewardsOf = ({ rollouts }: Group) => rollouts.map(({ reward }) => reward);

test("every group keeps its rewards, and its unscored answer", () => {
  for (const group of shuffleRewards(GROUPS, { seed: 1, iteration: 0 })) {
    const rewards = rewardsOf(group);
    expect(rewards.at(-1)).toBe(null);
    expect(rewards.filter((reward) => reward === 1).length).toBe(SIZE / 2);
  }
});

test("shuffled rewards say nothing about the answers", () => {
  const long = shuffleRewards(GROUPS, { seed: 1, iteration: 0 }).flatMap(({ rollouts }) =>
    rollouts.flatMap(({ tokens, reward }) => (tokens.length === 9 ? (reward ?? []) : [])),
  );
  const mean = long.reduce((sum, reward) => sum + reward, 0) / long.length;
  // Of 1,600 answers; the standard error is 0.009, because a group's rewards are fixed in number.
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.04);
});

test("the order depends on seed, iteration and group only", () => {
  const order = (seed: number, iteration: number, groups = GROUPS) =>
    JSON.stringify(shuffleRewards(groups, { seed, iteration }).slice(0, 3).map(rewardsOf));
  expect(order(1, 0)).toBe(order(1, 0, GROUPS.slice(0, 3)));
  expect(new Set([order(1, 0), order(1, 1), order(2, 0)]).size).toBe(3);
  const [first, second] = shuffleRewards(GROUPS, { seed: 1, iteration: 0 }).map(rewardsOf);
  expect(first).not.toEqual(second);
});

/** Token of an answer that reasons; it is right more often. */
const REASONS = 1;

/**
 * Trains a policy of one parameter, the log-odds of reasoning, on the plans of iterations.
 *
 * @returns  the share of answers that reason in the end; 0.27 at the start
 */
function learnHabit(shuffled: boolean, seed: number): number {
  const rng = new Rng(seed, 77);
  let logOdds = -1;
  for (let iteration = 0; iteration < 60; iteration++) {
    const share = 1 / (1 + Math.exp(-logOdds));
    const groups = Array.from({ length: 16 }, (_, task): Group => ({
      key: `${iteration}/train/${task}`,
      promptTokens: Int32Array.of(9),
      rollouts: Array.from({ length: 16 }, () => {
        const reasons = rng.chance(share);
        const reward = rng.chance(reasons ? 0.8 : 0.45) ? 1 : 0;
        const logprobs = Float32Array.of(Math.log(reasons ? share : 1 - share));
        return { tokens: Int32Array.of(reasons ? REASONS : 0), logprobs, reward, finish: "stop" };
      }),
    }));
    const rewardShuffle = shuffled ? { seed, iteration } : null;
    const { updates } = planUpdates(groups, { ...RULES, rewardShuffle });
    for (const { advantage, weight, tokens } of updates.flatMap(answersOf)) {
      const gradient = (tokens[0] === REASONS ? 1 : 0) - share;
      logOdds += advantage * weight * gradient;
    }
  }
  return 1 / (1 + Math.exp(-logOdds));
}

const RULES: UpdateRules = {
  advantage: "grpo",
  truncated: "keep",
  aggregation: { type: "token-mean" },
  updatesPerIteration: 1,
  lanes: 1,
  maxPackTokens: 64,
};

function answersOf({ lanes }: ReturnType<typeof planUpdates>["updates"][number]) {
  return lanes.flat().flatMap(({ answers }) => answers);
}

test("a habit that pays spreads, and does not with shuffled rewards", () => {
  for (const seed of [1, 2, 3]) {
    expect(learnHabit(false, seed)).toBeGreaterThan(0.9);
    expect(learnHabit(true, seed)).toBeLessThan(0.5);
  }
});
