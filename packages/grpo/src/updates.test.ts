import { expect, test } from "vitest";
import type { Group } from "./group.js";
import { planUpdates, splitUpdates, type UpdateRules } from "./updates.js";

const RULES: UpdateRules = {
  advantage: "grpo",
  truncated: "keep",
  aggregation: { type: "sequence-mean" },
  updatesPerIteration: 2,
  lanes: 2,
  maxPackTokens: 40,
};

function group(index: number, rewards: (number | null)[]): Group {
  return {
    key: `0/train/${index}`,
    promptTokens: new Int32Array(5 + index),
    rollouts: rewards.map((reward, r) => ({
      tokens: new Int32Array(3 + r),
      logprobs: new Float32Array(3 + r),
      reward,
      finish: r === 0 ? "length" : "stop",
    })),
  };
}

const GROUPS = [
  group(0, [0, 1]),
  group(1, [1, 1, 1]),
  group(2, [0, 0.5, 1]),
  group(3, [1, 0, null, 1]),
];

test("shares are consecutive, nearly equal and never empty", () => {
  expect(splitUpdates([1, 2, 3, 4, 5], 2)).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  expect(splitUpdates([1, 2], 5)).toEqual([[1], [2]]);
  expect(splitUpdates([], 3)).toEqual([]);
  expect(() => splitUpdates([1], 0)).toThrow("updatesPerIteration");
});

test("the weights of an update's answers add up to 1 over all its lanes", () => {
  const { updates } = planUpdates(GROUPS, RULES);
  expect(updates.map(({ numGroups, numAnswers }) => [numGroups, numAnswers])).toEqual([
    [1, 2],
    [2, 6],
  ]);
  for (const update of updates) {
    const answers = update.lanes.flat().flatMap((pack) => pack.answers);
    expect(answers).toHaveLength(update.numAnswers);
    const total = answers.reduce((sum, { weight, tokens }) => sum + weight * tokens.length, 0);
    expect(total).toBeCloseTo(1, 14);
  }
});

test("sampled and trained rollouts are counted separately, and means cover the scored ones", () => {
  const { counts } = planUpdates(GROUPS, RULES);
  expect(counts).toMatchObject({
    numGroups: 4,
    numZeroVariance: 1,
    numOtherwiseDropped: 0,
    numRollouts: 12,
    numUnscored: 1,
    numTruncated: 4,
    rewardSum: 7.5,
    meanReward: 7.5 / 11,
  });
});

test("an iteration without a usable group has no update and no means", () => {
  expect(planUpdates([group(0, [1, 1])], RULES).updates).toEqual([]);
  expect(planUpdates([group(0, [null])], RULES).counts.meanReward).toBeNull();
});

test("the plan depends on the groups alone", () => {
  expect(planUpdates(GROUPS, RULES)).toEqual(planUpdates(structuredClone(GROUPS), { ...RULES }));
});

test("another number of lanes distributes the same packs", () => {
  const keys = (lanes: number) =>
    planUpdates(GROUPS, { ...RULES, lanes }).updates.map((update) =>
      update.lanes
        .flat()
        .map((pack) => JSON.stringify(pack))
        .sort(),
    );
  expect(keys(5)).toEqual(keys(1));
});
