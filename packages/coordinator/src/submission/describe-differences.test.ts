import { configDifferences } from "@gumshoe/config";
import { expect, test } from "vitest";

import { describeDifferences } from "./describe-differences.js";

const BEFORE = { iterations: 3, optimizer: { lr: 0.01, beta: 0.9 }, tasks: { tiers: ["a", "b"] } };

test("differing fields are listed with both values, also when one is not set", () => {
  const now = { iterations: 4, optimizer: { lr: 0.01 }, tasks: { tiers: ["a"] } };
  expect(describeDifferences(configDifferences([BEFORE, now]))).toBe(
    "iterations is 3 there and 4 here, optimizer.beta is 0.9 there and not given here, " +
      'tasks.tiers is ["a","b"] there and ["a"] here',
  );
});

test("many differences are counted, and a long value is truncated", () => {
  const now = { iterations: "x".repeat(1000), a: 1, b: 2, c: 3 };
  const text = describeDifferences(configDifferences([{ iterations: 3 }, now]));
  expect(text).toMatch(/^iterations is 3 there and "x{36}\.\.\. here, a is not given there and 1/);
  expect(text).toMatch(/, 1 more differs$/);
});
