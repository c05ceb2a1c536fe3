import { expect, test } from "vitest";
import { isBelow, meanInterval, type MeanInterval } from "./interval.js";

const of = (values: readonly number[]) => meanInterval(values) as MeanInterval;
const repeat = (value: number, count: number) => new Array<number>(count).fill(value);

test("values of 0 and 1 have Wilson's interval", () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 0/20 and 1/29, method 3.
  const cases = [
    { of: [81, 263], low: 0.2553, high: 0.3662 },
    { of: [15, 148], low: 0.0624, high: 0.1605 },
    { of: [0, 20], low: 0, high: 0.1611 },
    { of: [1, 29], low: 0.0061, high: 0.1718 },
  ] as const;
  for (const { of: shares, low, high } of cases) {
    const found = of([...repeat(1, shares[0]), ...repeat(0, shares[1] - shares[0])]);
    expect(found.count).toBe(shares[1]);
    expect(found.low).toBeCloseTo(low, 3);
    expect(found.high).toBeCloseTo(high, 3);
  }
});

test("values from 0 to 1 have an interval of nonzero width within 0 and 1", () => {
  for (const value of [0, 1, 0.25, 0.5]) {
    for (const count of [1, 2, 5, 200, 10_000]) {
      const { mean, low, high } = of(repeat(value, count));
      expect(mean).toBe(value);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeLessThanOrEqual(1);
      expect(low).toBeLessThanOrEqual(mean);
      expect(high).toBeGreaterThanOrEqual(mean);
      expect(high - low).toBeGreaterThan(0.2 / count);
    }
  }
  expect(of(repeat(0, 200)).high).toBeCloseTo(0.0188, 4);
  const mixed = of([1, ...repeat(0, 19), 0.3]);
  expect(mixed.low).toBeGreaterThan(0);
});

test("values with less variance than zeros and ones have a narrower interval", () => {
  const scores = Array.from({ length: 400 }, (_, i) => 0.4 + (i % 5) * 0.05);
  const { mean, low, high } = of(scores);
  const shares = of([...repeat(1, 200), ...repeat(0, 200)]);
  expect(mean).toBeCloseTo(0.5, 12);
  const deviation = 0.05 * Math.SQRT2;
  const halfWidth = (1.96 * deviation) / 20;
  expect((high - low) / 2).toBeGreaterThan(halfWidth);
  expect((high - low) / 2).toBeLessThan(1.3 * halfWidth);
  expect(high - low).toBeLessThan((shares.high - shares.low) / 4);
});

test("one low value beside zeros does not narrow the interval", () => {
  const zeros = of(repeat(0, 200));
  const nearly = of([0.1, ...repeat(0, 199)]);
  expect(nearly.high).toBeGreaterThan(0.9 * zeros.high);
});

test("other values have 1.96 standard errors to each side of the mean", () => {
  const { mean, low, high, count } = of([-1, 2, 2, -1, 2]);
  expect(mean).toBeCloseTo(0.8, 12);
  expect(count).toBe(5);
  const error = Math.sqrt(2.7 / 5);
  expect(low).toBeCloseTo(0.8 - 1.96 * error, 12);
  expect(high).toBeCloseTo(0.8 + 1.96 * error, 12);
});

test("an empty list has no mean, and a single value outside of 0 to 1 an interval of no width", () => {
  expect(meanInterval([])).toBeNull();
  expect(meanInterval([2.5])).toEqual({ mean: 2.5, low: 2.5, high: 2.5, count: 1 });
});

test("a mean is below another only when the difference is statistically significant", () => {
  const share = (right: number, count: number) =>
    of([...repeat(1, right), ...repeat(0, count - right)]);
  expect(isBelow(share(98, 200), share(191, 200))).toBe(true);
  expect(isBelow(share(185, 200), share(191, 200))).toBe(false);
  expect(isBelow(share(191, 200), share(98, 200))).toBe(false);
  expect(isBelow(share(0, 200), share(0, 200))).toBe(false);
});
