import { expect, test } from "vitest";

import { expectedBest, severalAnswers } from "./several-answers.js";

test("the expected best of k answers is the mean of the largest over all draws", () => {
  const values = [0.2, 0.9, 0.4, 0.4, 0];
  for (const k of [1, 2, 3, 5]) {
    const largest = draws(values, k).map((draw) => Math.max(...draw));
    const mean = largest.reduce((sum, value) => sum + value, 0) / largest.length;
    expect(expectedBest(values, k)).toBeCloseTo(mean, 12);
  }
});

test("pass@k counts the draws with a full reward, over tasks with enough answers", () => {
  const rows = severalAnswers([[1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [1]], 4);
  expect(rows.map(({ k }) => k)).toEqual([1, 2, 4]);
  expect(rows.map(({ pass }) => pass?.mean)).toEqual([(0.25 + 0 + 1) / 3, 0.25, 0.5]);
  expect(rows.map(({ pass }) => pass?.count)).toEqual([3, 2, 2]);
  expect(rows[2]?.best?.mean).toBe(0.75);
  expect(severalAnswers([[]], 1)).toEqual([{ k: 1, pass: null, best: null }]);
});

test("rewards beyond 0 and 1 and many answers are handled", () => {
  expect(expectedBest([-3, -1], 1)).toBe(-2);
  const many = Array.from({ length: 1024 }, (_, i) => (i === 0 ? 1 : 0));
  expect(expectedBest(many, 512)).toBeCloseTo(0.5, 9);
});

/** Lists all subsets of `k` values. */
function draws(values: readonly number[], k: number): number[][] {
  if (k === 0) return [[]];
  return values.flatMap((value, i) =>
    draws(values.slice(i + 1), k - 1).map((rest) => [value, ...rest]),
  );
}
