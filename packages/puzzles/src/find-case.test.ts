import { expect, test } from "vitest";

import { loadCadical } from "../../../test/support/cadical.js";
import { findCase } from "./find-case.js";
import { caseId, generateCase } from "./generate-case.js";
import { measureDifficulty } from "./trace/difficulty.js";

const NAME = { tier: "mini", style: "clear", seed: 5, index: 0 } as const;
const places = Array.from({ length: 12 }, (_, index) => ({ ...NAME, index }));

test("the found case is the first attempt at its index with the wanted difficulty", () => {
  for (const place of places) {
    const { made, difficulty } = findCase(place, { difficulty: { min: 6, max: 8 } });
    expect(difficulty).toEqual(measureDifficulty(made));
    expect(generateCase({ ...place, attempt: made.attempt })).toEqual(made);
    for (let attempt = 0; attempt <= made.attempt; attempt++) {
      const { numSteps } = measureDifficulty(generateCase({ ...place, attempt }));
      expect(numSteps >= 6 && numSteps <= 8).toBe(attempt === made.attempt);
    }
  }
});

test("another solver finds the same cases", async () => {
  const solver = await loadCadical();
  for (const place of places.slice(0, 4)) {
    const query = { difficulty: { min: 5, max: 6 } };
    expect(findCase(place, { ...query, solver })).toEqual(findCase(place, query));
  }
});

test("without a query the first attempt is returned, and its difficulty is not measured", () => {
  expect(findCase(NAME)).toEqual({ made: generateCase(NAME), difficulty: null });
});

test("an id contains the attempt, unless it is the first", () => {
  expect(caseId(generateCase(NAME))).toBe("mini-clear-5-0");
  expect(caseId(generateCase({ ...NAME, attempt: 3 }))).toBe("mini-clear-5-0-3");
});

test("a query that no case satisfies is an error that names it", () => {
  const query = { difficulty: { min: 900, max: 901 } };
  expect(() => findCase(NAME, query)).toThrow(
    "difficulty: no mini case for place 0 of series 5 has 900 to 901 steps in 1000 tries",
  );
  expect(() => findCase(NAME, { accept: () => false })).toThrow("exclude: leaves no mini case");
});
