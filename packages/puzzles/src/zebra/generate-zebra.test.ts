import { describe, expect, test } from "vitest";

import { loadCadical } from "../../../../test/support/cadical.js";
import { generateZebra } from "./generate-zebra.js";

const SEED = 31;
const make = (houses: number, attributes: number, index: number) =>
  generateZebra({ houses, attributes, seed: SEED, index });

/** House by name or trait. */
type Houses = ReadonlyMap<string, number>;

/** Parses a prompt from its text alone: lists of values, and each clue as a predicate on houses. */
function readPrompt(prompt: string) {
  const [head = "", clueText = "", questions = ""] = prompt.split("\n\n");
  const lists = head
    .split("\n")
    .slice(2)
    .map((line) => line.replace(/^\w+: /, "").split(", "));
  const clues = clueText
    .split("\n")
    .slice(1)
    .map((line) => readClue(line.slice(2, -1), lists.flat()));
  return { lists, clues, questions: questions.split("\n") };
}

function readClue(text: string, values: readonly string[]): (houses: Houses) => boolean {
  const [first = "", second = ""] = values
    .map((value) => ({ value, at: text.search(new RegExp(`\\b${value}\\b`)) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
  const number = Number(/house (\d)$/.exec(text)?.[1]) - 1;
  return (houses) => {
    const [a, b] = [houses.get(first) as number, houses.get(second) as number];
    if (text.includes("does not live in house")) return a !== number;
    if (text.includes("lives in house")) return a === number;
    if (text.includes("first or the last")) return a === 0 || a === houses.size / lists(houses) - 1;
    if (text.includes("next door to")) return Math.abs(a - b) === 1;
    if (text.includes("directly to the left")) return b - a === 1;
    if (text.includes("somewhere to the left")) return a < b;
    if (text.includes("exactly one house between")) return Math.abs(a - b) === 2;
    return / (?:does|is) not /.test(text) ? a !== b : a === b;
  };
}

/** Returns the number of attributes of a full assignment: the number of values in house 0. */
const lists = (houses: Houses) => [...houses.values()].filter((house) => house === 0).length;

function* permutations(count: number, head: number[] = []): Generator<number[]> {
  if (head.length === count) yield head;
  for (let i = 0; i < count; i++) if (!head.includes(i)) yield* permutations(count, [...head, i]);
}

/** Enumerates all assignments of values to houses. */
function* assignments(all: readonly (readonly string[])[]): Generator<Map<string, number>> {
  const [first, ...rest] = all;
  if (first === undefined) {
    yield new Map<string, number>();
    return;
  }
  for (const houses of permutations(first.length)) {
    for (const other of assignments(rest)) {
      first.forEach((value, index) => other.set(value, houses[index] as number));
      yield other;
    }
  }
}

describe.each([
  [3, 2, 30],
  [3, 4, 6],
  [4, 3, 4],
])("of %d houses and %d attributes", (houses, attributes, count) => {
  test("the text has one solution, needs every clue, and determines the answers", () => {
    for (let index = 0; index < count; index++) {
      const puzzle = make(houses, attributes, index);
      const { lists: values, clues, questions } = readPrompt(puzzle.prompt);
      const solutions: Houses[] = [];
      const escapes = new Set<number>();
      for (const candidate of assignments(values)) {
        const broken = clues.flatMap((clue, at) => (clue(candidate) ? [] : [at]));
        if (broken.length === 0) solutions.push(new Map(candidate));
        if (broken.length === 1) escapes.add(broken[0] as number);
      }
      expect(solutions, `seed ${SEED}, puzzle ${index}`).toHaveLength(1);
      // An assignment that violates only this clue would be a second solution without it.
      expect(escapes.size).toBe(clues.length);
      expect(questions).toHaveLength(houses + 1);
      const solution = solutions[0] as Houses;
      for (const question of questions) {
        const letter = question.charAt(0);
        const house = /house (\d)/.exec(question)?.[1];
        const name = values[0]?.find((one) => question.includes(one)) ?? "";
        const expected = house === undefined ? solution.get(name) : Number(house) - 1;
        expect(solution.get(puzzle.solution[letter] ?? "")).toBe(expected);
      }
    }
  });
});

test("a puzzle is the same on every request and with every solver", async () => {
  const cadical = await loadCadical();
  for (const index of [0, 5]) {
    const name = { houses: 5, attributes: 4, seed: SEED, index };
    expect(generateZebra(name, cadical)).toEqual(generateZebra(name));
  }
  const { prompt } = make(4, 3, 2);
  const others = [make(4, 3, 3), generateZebra({ houses: 4, attributes: 3, seed: 32, index: 2 })];
  expect(others.map((other) => other.prompt)).not.toContain(prompt);
});

test("every type of clue occurs", () => {
  const rules = new Set<string>();
  for (let index = 0; index < 60; index++) {
    for (const { rule } of make(4, 4, index).clues) rules.add(rule);
  }
  expect(rules.size).toBeGreaterThanOrEqual(8);
});

test("the largest puzzle is generated in about a second", () => {
  const { clues, row } = make(7, 6, 0);
  expect(row.houseOf).toHaveLength(6);
  expect(clues.length).toBeGreaterThan(15);
});
