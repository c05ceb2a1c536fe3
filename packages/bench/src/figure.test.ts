import { expect, test } from "vitest";

import { median, percentile } from "./figure.js";

test("the median is the middle value, whatever the order", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 100])).toBe(10);
  expect(median([2, 1])).toBe(2);
});

test("nine of ten values do not exceed the 90th percentile", () => {
  const values = [7, 3, 10, 1, 2, 9, 4, 5, 8, 6];
  expect(percentile(values, 0.9)).toBe(9);
  expect(percentile(values, 0)).toBe(1);
  expect(percentile([5], 0.9)).toBe(5);
});
