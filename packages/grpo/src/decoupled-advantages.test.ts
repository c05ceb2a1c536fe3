import { expect, test } from "vitest";

import { advantages } from "./advantages.js";
import { type AnswerRules, selectAnswers } from "./answers.js";
import { decoupledAdvantages } from "./decoupled-advantages.js";
import type { Group } from "./group.js";
import { shuffleRewards } from "./shuffled-rewards.js";

const WEIGHTS = { correct: 1, short: 0.5 };
const REWARDS = [
  { correct: 1, short: 0 },
  { correct: 0, short: 2 },
  { correct: 0, short: 0 },
  { correct: 1, short: 2 },
];

function group(rewards: readonly Record<string, number>[]): Group {
  return {
    key: "3/train/1",
    promptTokens: Int32Array.of(1, 2),
    rollouts: rewards.map((each) => ({
      tokens: Int32Array.of(5, 6),
      logprobs: Float32Array.of(-1, -2),
      reward: Object.values(each).reduce((sum, reward) => sum + reward, 0),
      rewards: each,
      finish: "stop" as const,
    })),
  };
}

const rules = (decoupled: AnswerRules["decoupled"]): AnswerRules => {
  return { advantage: "grpo", truncated: "keep", decoupled };
};
const chosen = (one: Group, given: AnswerRules) =>
  selectAnswers(one, given).pack?.answers.map(({ advantage }) => advantage);

test("each reward is normalised by itself, and then weighed", () => {
  // Both rewards have two low and two high values, so each normalises to -1 and 1.
  const values = decoupledAdvantages(REWARDS, WEIGHTS, "grpo");
  [0.5, -0.5, -1.5, 1.5].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5));
  const plain = decoupledAdvantages(REWARDS, { correct: 1 }, "dr-grpo");
  expect(plain).toEqual([0.5, -0.5, -0.5, 0.5]);
});

test("the scale of a reward does not matter, the order of the weights changes no bit", () => {
  const scaled = REWARDS.map(({ correct, short }) => ({ correct, short: 1000 * short }));
  const values = decoupledAdvantages(REWARDS, WEIGHTS, "grpo");
  decoupledAdvantages(scaled, WEIGHTS, "grpo").forEach((value, i) =>
    expect(value).toBeCloseTo(values[i] as number, 5),
  );
  const thirds = REWARDS.map((each, i) => ({ ...each, third: i / 7 }));
  const [a, b] = [
    { correct: 0.1, short: 0.2, third: 0.3 },
    { third: 0.3, short: 0.2, correct: 0.1 },
  ].map((weights) => decoupledAdvantages(thirds, weights, "grpo"));
  expect(a).toEqual(b);
});

test("answers with the same sum of different rewards stay apart", () => {
  const even = group([
    { correct: 1, short: 0 },
    { correct: 0, short: 1 },
    { correct: 0, short: 1 },
  ]);
  expect(advantages([1, 1, 1], "grpo")).toEqual([0, 0, 0]);
  expect(selectAnswers(even, rules(null)).dropped).toBe("zero-variance");
  const [first, second, third] = chosen(even, rules(WEIGHTS)) ?? [];
  expect(first).toBeGreaterThan(0);
  expect(second).toBeLessThan(0);
  expect(third).toBe(second);
});

test("a group whose rewards are equal name by name has no gradient, and an unscored answer counts in none", () => {
  const same = { correct: 0.2, short: 0.1 };
  expect(selectAnswers(group([same, same, same]), rules(WEIGHTS)).dropped).toBe("zero-variance");
  const some = group(REWARDS);
  const unscored = { ...some.rollouts[0], reward: null, rewards: {} } as Group["rollouts"][number];
  const answers = selectAnswers(
    { ...some, rollouts: [unscored, ...some.rollouts] },
    rules(WEIGHTS),
  );
  expect(answers.pack?.answers.map(({ advantage }) => advantage)).toEqual(
    decoupledAdvantages(REWARDS, WEIGHTS, "grpo"),
  );
});

test("a reward that is missing is an error that names the answer and the reward", () => {
  expect(() => selectAnswers(group([{ correct: 1 }, ...REWARDS]), rules(WEIGHTS))).toThrow(
    "group 3/train/1 rollout 0: has no reward short",
  );
});

test("the control exchanges all rewards of an answer together", () => {
  const [shuffled] = shuffleRewards([group(REWARDS)], { seed: 3, iteration: 0 });
  for (const { reward, rewards = {} } of shuffled?.rollouts ?? []) {
    expect(REWARDS).toContainEqual(rewards);
    expect(reward).toBe((rewards["correct"] ?? 0) + (rewards["short"] ?? 0));
  }
});
