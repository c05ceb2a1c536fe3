import { expect, test } from "vitest";
import { meanInterval } from "./interval.js";

test("the interval is 1.96 standard errors to each side of the mean", () => {
  const { mean, low, high, count } = meanInterval([0, 1, 1, 0, 1]) ?? { mean: NaN };
  expect(mean).toBe(0.6);
  expect(count).toBe(5);
  const error = Math.sqrt(0.3 / 5);
  expect(low).toBeCloseTo(0.6 - 1.96 * error, 12);
  expect(high).toBeCloseTo(0.6 + 1.96 * error, 12);
});

test("nothing has no mean, and one value an interval of no width", () => {
  expect(meanInterval([])).toBeNull();
  expect(meanInterval([0.5])).toEqual({ mean: 0.5, low: 0.5, high: 0.5, count: 1 });
});
