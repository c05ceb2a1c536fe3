import { expect, test } from "vitest";
import { recipeLoss, type RecipeBatch } from "./recipe-loss.js";

const CONFIG = { clipEpsilon: 0.2, entropyCoefficient: 0, klCoefficient: 0 };

/** One row of three tokens over two words; the last two tokens are trained. */
function batch(change: Partial<RecipeBatch> = {}): RecipeBatch {
  return {
    shape: [1, 3, 2],
    logits: [0, 0, 1, -1, 3, 3],
    tokens: [0, 1, 0],
    mask: [0, 1, 1],
    logprobs: [NaN, Math.log(0.5), Math.log(0.8)],
    advantages: [0, 1, 1],
    weights: [0, 1, 1],
    referenceLogprobs: null,
    ...change,
  };
}

test("the logits at a position score the next token, and those of the last position score none", () => {
  const { numTokens, policyLossSum, dLogits } = recipeLoss(batch(), CONFIG);
  const second = 1 / (1 + Math.exp(-2));
  expect(numTokens).toBe(2);
  expect(policyLossSum).toBeCloseTo(-1 - second / 0.8, 12);
  expect([dLogits[4], dLogits[5]]).toEqual([0, 0]);
});

test("the gradient is the slope of the total loss, including entropy and divergence", () => {
  const config = { clipEpsilon: 0.2, entropyCoefficient: 0.05, klCoefficient: 0.1 };
  const referenceLogprobs = [-0.5, -0.9, -0.4];
  const logits = [0, 0.1, 1, -1, 3, 3];
  const total = (values: number[]) =>
    recipeLoss(batch({ logits: values, referenceLogprobs }), config).totalLoss;
  const { dLogits } = recipeLoss(batch({ logits, referenceLogprobs }), config);
  logits.forEach((_, i) => {
    const moved = (by: number) => logits.map((x, j) => (j === i ? x + by : x));
    const slope = (total(moved(1e-6)) - total(moved(-1e-6))) / 2e-6;
    expect(dLogits[i]).toBeCloseTo(slope, 7);
  });
});

test("a token of unknown log-prob counts in the loss but has no gradient", () => {
  const { policyLossSum, dLogits } = recipeLoss(batch({ logprobs: [NaN, NaN, NaN] }), CONFIG);
  expect(policyLossSum).toBe(-2);
  expect(dLogits.every((slope) => slope === 0)).toBe(true);
});
