import { expect, test } from "vitest";

import type { Group } from "./group.js";
import { overlongPenalty, shapeRewards } from "./overlong.js";
import { planUpdates, type UpdateRules } from "./updates.js";

const RULE = { maxAnswerTokens: 20, bufferTokens: 8, penalty: 1 };
const RULES: UpdateRules = {
  advantage: "dr-grpo",
  truncated: "keep",
  aggregation: { type: "sequence-mean" },
  updatesPerIteration: 1,
  lanes: 1,
  maxPackTokens: 400,
};

function group(answers: readonly (readonly [numTokens: number, reward: number | null])[]): Group {
  return {
    key: "0/train/0",
    promptTokens: new Int32Array(3),
    rollouts: answers.map(([numTokens, reward]) => ({
      tokens: new Int32Array(numTokens),
      logprobs: new Float32Array(numTokens),
      reward,
      finish: numTokens === RULE.maxAnswerTokens ? "length" : "stop",
    })),
  };
}

// Equation 13 of DAPO with L_max = 20 and L_cache = 8: ((L_max - L_cache) - |y|) / L_cache.
test.each([
  [1, 0],
  [12, 0],
  [13, 1 / 8],
  [16, 1 / 2],
  [19, 7 / 8],
  [20, 1],
])("an answer of %i tokens of 20 with a buffer of 8 loses %f", (numTokens, expected) => {
  expect(overlongPenalty(numTokens, RULE)).toBe(expected);
  expect(overlongPenalty(numTokens, { ...RULE, penalty: 0.3 })).toBeCloseTo(0.3 * expected, 15);
});

test("advantages are those of the lowered rewards, and an unscored answer stays unscored", () => {
  const sampled = [group([[4, 1], [16, 1], [20, 0], [20, null]])]; // prettier-ignore
  const [shaped] = shapeRewards(sampled, RULE);
  expect(shaped?.rollouts.map(({ reward }) => reward)).toEqual([1, 0.5, -1, null]);
  const { updates } = planUpdates(sampled, { ...RULES, overlong: RULE });
  const answers = updates[0]?.lanes[0]?.[0]?.answers ?? [];
  const mean = (1 + 0.5 - 1) / 3;
  expect(answers.map(({ advantage }) => advantage)).toEqual([1 - mean, 0.5 - mean, -1 - mean]);
});

test("right answers of different lengths have a gradient only with the penalty", () => {
  const sampled = [group([[4, 1], [16, 1]])]; // prettier-ignore
  expect(planUpdates(sampled, RULES).updates).toEqual([]);
  expect(planUpdates(sampled, { ...RULES, overlong: RULE }).updates).toHaveLength(1);
});

test("the means of rewards are of those that were graded; long answers are counted", () => {
  const sampled = [group([[4, 1], [16, 0], [20, 0], [20, null]])]; // prettier-ignore
  const { counts } = planUpdates(sampled, { ...RULES, overlong: RULE });
  expect(counts).toMatchObject({ rewardSum: 1, meanReward: 1 / 3 });
  expect(counts).toMatchObject({ numOverlong: 3, meanOverlongPenalty: 2.5 / 4 });
  expect(planUpdates(sampled, RULES).counts).not.toHaveProperty("numOverlong");
});

test("in the control experiment the lowered rewards are exchanged too: length says nothing", () => {
  const sampled = [group([[4, 1], [16, 1], [20, 0], [5, 0]])]; // prettier-ignore
  const rewardShuffle = { seed: 3, iteration: 0 };
  const plan = planUpdates(sampled, { ...RULES, overlong: RULE, rewardShuffle });
  const advantages = plan.updates[0]?.lanes[0]?.[0]?.answers.map(({ advantage }) => advantage);
  const fair = planUpdates(sampled, { ...RULES, overlong: RULE }).updates[0]?.lanes[0]?.[0];
  const expected = fair?.answers.map(({ advantage }) => advantage) ?? [];
  expect([...(advantages ?? [])].sort()).toEqual([...expected].sort());
  expect(advantages).not.toEqual(expected);
});
