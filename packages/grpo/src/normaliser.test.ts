import { expect, test } from "vitest";
import { normaliserWeights, weighPacks } from "./normaliser.js";

test("sequence-mean gives every answer the same total weight, and all answers together 1", () => {
  const lengths = [1, 4, 10];
  const weights = normaliserWeights(lengths, { type: "sequence-mean" });
  lengths.forEach((n, i) => expect((weights[i] as number) * n).toBeCloseTo(1 / 3, 15));
});

test("token-mean gives every token the same weight, and all tokens together 1", () => {
  expect(normaliserWeights([1, 4, 5], { type: "token-mean" })).toEqual([0.1, 0.1, 0.1]);
});

test("token-sum-fixed does not depend on the update's size", () => {
  const fixed = { type: "token-sum-fixed", divisor: 64 } as const;
  expect(normaliserWeights([3], fixed)[0]).toBe(1 / 64);
  expect(normaliserWeights([3, 900], fixed)[0]).toBe(1 / 64);
  const zero = { ...fixed, divisor: 0 };
  expect(() => normaliserWeights([3], zero)).toThrow("aggregation.divisor");
});

test("weights are computed over the whole update, not per pack", () => {
  const pack = (lengths: number[]) => ({
    groupKey: "g",
    promptTokens: new Int32Array(1),
    answers: lengths.map((length, rollout) => ({
      rollout,
      tokens: new Int32Array(length),
      logprobs: new Float32Array(length),
      advantage: 0,
      weight: 0,
    })),
  });
  const weighed = weighPacks([pack([2, 4]), pack([1])], { type: "sequence-mean" });
  expect(weighed.map((p) => p.answers.map(({ weight }) => weight))).toEqual([
    [1 / 6, 1 / 12],
    [1 / 3],
  ]);
});
