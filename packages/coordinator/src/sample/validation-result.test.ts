import { expect, test } from "vitest";

import { summarise } from "./validation-result.js";

const tasks = [0.25, 0.5].map((randomGuessLevel, i) => ({
  id: String(i),
  contentHash: String(i),
  messages: [],
  randomGuessLevel,
}));

test("a validation is the mean of the tasks' means", () => {
  expect(summarise(3, [[1, 0], [1, 1], [0], [1]], tasks)).toMatchObject({
    iteration: 3,
    reward: 0.75,
    count: 2,
    greedy: { reward: 0.5, count: 2 },
    randomGuess: 0.375,
  });
});

test("an answer that could not be scored is in no mean, and is counted", () => {
  expect(summarise(0, [[1, null], [0.5, 0.5], [null], [1]], tasks)).toMatchObject({
    reward: 0.75,
    count: 2,
    greedy: { reward: 1, count: 1 },
    unscored: 2,
  });
});

test("a validation without any scored answer rests on no task", () => {
  const result = summarise(0, [[null], [null]], tasks);
  expect(result).toMatchObject({ count: 0, unscored: 2 });
  expect(result).not.toHaveProperty("greedy");
});

test("nothing is said of unscored answers where there are none", () => {
  expect(summarise(0, [[0], [1]], tasks)).not.toHaveProperty("unscored");
});
