import { expect, test } from "vitest";

import { describeFigures, describeValidation } from "./describe-figures.js";

const START = { iteration: 0, reward: 0.26, low: 0.24, high: 0.28, count: 400, randomGuess: 0.4 };

test("the figures of an iteration have their units, and unknown ones are omitted", () => {
  const metrics = { "graded.reasons": 0.274, meanAnswerTokens: 31.4 };
  expect(describeFigures(metrics)).toEqual(["27 % reason first", "31 tokens/answer"]);
  expect(describeFigures({})).toEqual([]);
});

test("a start below guessing is explained by what the answers show", () => {
  const text = (listed: number) =>
    describeValidation({ ...START, means: { answered: 1, listed, reasons: 0 } });
  expect(text(0.6)).toBe(
    "validation before training: reward 0.260 (95 %: 0.240 to 0.280, 400 held-out cases), " +
      "0 % reason first, guessing 0.400\n" +
      "  below guessing, which picks a listed name: the model answers 60 % of the questions with " +
      "a name that the case lists",
  );
  expect(text(1)).toContain("a name that the case lists: it prefers wrong ones");
});

test("a start above guessing, or one whose answers are unknown, is not explained", () => {
  const means = { answered: 1, listed: 0.6 };
  expect(describeValidation({ ...START, reward: 0.5, means })).not.toContain("below");
  expect(describeValidation(START)).not.toContain("below");
  expect(describeValidation({ ...START, iteration: 3, means })).not.toContain("below");
});
