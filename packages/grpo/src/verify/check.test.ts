import { expect, test } from "vitest";
import { compare } from "./check.js";

test("the error is relative for large numbers and absolute for small ones", () => {
  expect(compare("a", { ours: [1001], golden: [1000] }, 1e-3)).toMatchObject({ ok: true });
  expect(compare("a", { ours: [0.5, 0.001], golden: [0.5, 0] }, 1e-4).error).toBe(0.001);
});

test("another count of numbers, or a NaN on one side only, is an infinite error", () => {
  expect(compare("a", { ours: [1, 2], golden: [1] }, 1).error).toBe(Infinity);
  expect(compare("a", { ours: [], golden: [1] }, 1).error).toBe(Infinity);
  expect(compare("a", { ours: [NaN], golden: [1] }, 1).ok).toBe(false);
  expect(compare("a", { ours: [NaN, 0], golden: [NaN, -0] }, 0)).toMatchObject({ ok: true });
});
