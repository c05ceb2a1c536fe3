import { expect, test } from "vitest";

import type { ClueType } from "./clues/clue.js";
import { generateCase } from "./generate-case.js";

const COUNT = 120;
const cases = Array.from({ length: COUNT }, (_, index) =>
  generateCase({ tier: "dataset", style: "dataset", seed: 100, index }),
);

/** Percentages of clue types in the 128 public cases, with tolerances for that sample size. */
const PUBLIC_SHARES: Record<ClueType, [percent: number, tolerance: number]> = {
  at: [20.3, 4],
  move: [13.3, 4],
  beside: [13.1, 4],
  "same-room": [13, 4],
  iff: [11.7, 4],
  either: [10.8, 4],
  together: [7.2, 3],
  "weapon-move": [6.3, 3],
  motive: [2.2, 2],
  solution: [2.2, 2],
};

test("tier dataset has the clue types of the public set in the same proportions", () => {
  const clues = cases.flatMap((one) => one.clues);
  for (const [type, [percent, tolerance]] of Object.entries(PUBLIC_SHARES)) {
    const share = (100 * clues.filter((clue) => clue.type === type).length) / clues.length;
    expect(Math.abs(share - percent), `${type}: ${share} %`).toBeLessThan(tolerance);
  }
});

test("tier dataset has the sizes and lengths of the public set", () => {
  const median = (values: number[]) => values.sort((a, b) => a - b)[COUNT >> 1] as number;
  const numClues = median(cases.map((one) => one.clues.length));
  // 25 in the public set; this project's story is shorter by some 150 characters.
  expect(numClues).toBeGreaterThan(15);
  expect(numClues).toBeLessThan(35);
  const length = median(cases.map(({ prompt }) => prompt.length));
  expect(length).toBeGreaterThan(2900);
  expect(length).toBeLessThan(4600);
  const suspects = cases.map(({ setting }) => setting.suspects.length);
  expect(Math.min(...suspects)).toBe(2);
  expect(Math.max(...suspects)).toBe(10);
});

test("tier dataset asks two to five main questions, and eight in all at most", () => {
  for (const { queries } of cases) {
    const main = queries.filter(({ type }) => type === "main").length;
    expect(main).toBeGreaterThanOrEqual(2);
    expect(main).toBeLessThanOrEqual(5);
    expect(queries.length).toBeLessThanOrEqual(8);
  }
});
