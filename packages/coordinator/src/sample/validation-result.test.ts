import { expect, test } from "vitest";

import { summarise } from "./validation-result.js";

const tasks = [0.25, 0.5].map((randomGuessLevel, i) => ({
  id: String(i),
  contentHash: String(i),
  messages: [],
  randomGuessLevel,
}));

test("the mean of a validation is the mean of its tasks' means", () => {
  expect(summarise(3, [[1, 0], [1, 1], [0], [1]], tasks)).toMatchObject({
    iteration: 3,
    reward: 0.75,
    count: 2,
    greedy: { reward: 0.5, count: 2 },
    randomGuess: 0.375,
  });
});

test("an answer that could not be scored is counted and left out of all means", () => {
  expect(summarise(0, [[1, null], [0.5, 0.5], [null], [1]], tasks)).toMatchObject({
    reward: 0.75,
    count: 2,
    greedy: { reward: 1, count: 1 },
    unscored: 2,
  });
});

test("a validation without a scored answer has a count of no tasks", () => {
  const result = summarise(0, [[null], [null]], tasks);
  expect(result).toMatchObject({ count: 0, unscored: 2 });
  expect(result).not.toHaveProperty("greedy");
});

test("the number of unscored answers is omitted when it is zero", () => {
  expect(summarise(0, [[0], [1]], tasks)).not.toHaveProperty("unscored");
});
