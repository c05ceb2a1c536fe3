import { expect, test } from "vitest";

import { smooth } from "./smoothing.js";

test("a constant stays constant from its first value on", () => {
  for (const value of smooth([3, 3, 3], 0.9)) expect(value).toBeCloseTo(3, 12);
});

test("a gap stays a gap and does not disturb the average", () => {
  const [first, gap, last] = smooth([0, null, 1], 0.5);
  expect([first, gap]).toEqual([0, null]);
  expect(last).toBeCloseTo(2 / 3, 12);
});

test("weight 0 changes nothing", () => {
  expect(smooth([1, null, 2], 0)).toEqual([1, null, 2]);
});
