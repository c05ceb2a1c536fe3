import { expect, test } from "vitest";
import { klPenalty } from "./kl.js";

const ESTIMATORS = ["k1", "k2", "k3"] as const;

test.each(ESTIMATORS)("%s is 0 when the policy equals the reference", (estimator) => {
  expect(klPenalty(-1.25, -1.25, estimator).value).toBeCloseTo(0, 15);
});

test("k3 has the known value", () => {
  expect(klPenalty(-1.5, -1, "k3").value).toBeCloseTo(0.1487212707, 10);
});

test.each(ESTIMATORS)("the slope of %s is its derivative by the new log-prob", (estimator) => {
  const value = (logprob: number) => klPenalty(logprob, -0.7, estimator).value;
  const slope = (value(-1.2 + 1e-6) - value(-1.2 - 1e-6)) / 2e-6;
  expect(klPenalty(-1.2, -0.7, estimator).slope).toBeCloseTo(slope, 8);
});

test("k2 and k3 are never negative, k1 may be", () => {
  for (const [next, reference] of [
    [-1, -3],
    [-3, -1],
  ] as const) {
    expect(klPenalty(next, reference, "k2").value).toBeGreaterThan(0);
    expect(klPenalty(next, reference, "k3").value).toBeGreaterThan(0);
  }
  expect(klPenalty(-3, -1, "k1").value).toBe(-2);
});
