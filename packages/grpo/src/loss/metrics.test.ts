import { expect, test } from "vitest";
import { meanMetrics, mergeMetrics, NO_METRICS } from "./metrics.js";

const ONE = {
  ...NO_METRICS,
  loss: 0.25,
  numTokens: 4,
  numClippedLow: 1,
  numClippedHigh: 1,
  entropySum: 6,
  ratioSum: 4,
};
const at = (token: number) => ({ groupKey: "g", rollout: 0, token });

test("sums add up, and means are per token", () => {
  const merged = mergeMetrics([ONE, { ...ONE, numTokens: 8, entropySum: 0 }]);
  expect(merged.loss).toBe(0.5);
  const means = meanMetrics(merged);
  expect(means).toMatchObject({ numTokens: 12, entropy: 0.5, clipFraction: 4 / 12 });
});

test("the merged gap is the largest one with its position, the first of equal ones", () => {
  const gaps = [0.5, 2, 2].map((gap, i) => ({ ...ONE, logprobGapMax: gap, logprobGapAt: at(i) }));
  expect(mergeMetrics(gaps)).toMatchObject({ logprobGapMax: 2, logprobGapAt: at(1) });
});

test("an empty list has no means", () => {
  expect(meanMetrics(mergeMetrics([]))).toBeNull();
});
