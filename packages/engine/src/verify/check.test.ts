import { expect, test } from "vitest";

import { compareExactly, compareNumbers } from "./check.js";

const PLACE = { path: "p", case: "c" };

function errorOf(ours: number[], values: number[], scale = 2): number {
  const expected = { output: "o", values, scale, tolerance: 0.1, torchError: null };
  const check = compareNumbers(PLACE, ours, expected);
  expect(check.ok).toBe(check.error <= 0.1);
  return check.error;
}

test("the error is the largest difference divided by the scale", () => {
  expect(errorOf([1, 2, 3], [1, 2, 3])).toBe(0);
  expect(errorOf([1, 2.5, 3], [1, 2, 2.75])).toBe(0.25);
});

test("a value that is no number, or a wrong number of values, is never right", () => {
  expect(errorOf([NaN], [1])).toBe(Infinity);
  expect(errorOf([1], [NaN])).toBe(Infinity);
  expect(errorOf([Infinity], [Infinity])).toBe(Infinity);
  expect(errorOf([], [1])).toBe(Infinity);
  expect(errorOf([1, 1], [1])).toBe(Infinity);
});

test("an exact comparison counts the differences", () => {
  const exact = (ours: unknown[] | string, expected: unknown[] | string) =>
    compareExactly(PLACE, "o", { ours, expected });
  expect(exact([1, 2], [1, 2])).toMatchObject({ ok: true, error: 0, tolerance: 0 });
  expect(exact([1, 3, 4], [1, 2])).toMatchObject({ ok: false, error: 2 });
  expect(exact("hall", "hell")).toMatchObject({ ok: false, error: 1 });
});
