import { expect, test } from "vitest";

import { median } from "./figure.js";

test("the median is the middle one, whatever the order", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 9, 100])).toBe(10);
  expect(median([2, 1])).toBe(2);
});
