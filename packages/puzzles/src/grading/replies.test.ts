import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { generateCase } from "../generate-case.js";
import { CLASSIC_NAMES, type Vocabulary } from "../names.js";
import { grade } from "./grade.js";
import { carelessReply, goldReply, hastyReply, randomGuessLevel } from "./replies.js";

const cases = Array.from({ length: 300 }, (_, index) =>
  generateCase({ tier: "mini", style: "clear", seed: 21, index }),
);

function meanScore(share: number, names: Vocabulary | null = null): number {
  const scores = cases.map((one, index) => {
    const reply = carelessReply(one, new Rng(5, index), { share, names });
    return grade(reply, one.solution).score;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

test("a fully careless reply scores like random guessing", () => {
  const level = cases.reduce((sum, one) => sum + randomGuessLevel(one), 0) / cases.length;
  expect(Math.abs(meanScore(1) - level)).toBeLessThan(0.05);
});

test("guessing names that the case does not list scores less than guessing listed ones", () => {
  const score = meanScore(1, CLASSIC_NAMES); // 9 rooms are the most names of a kind
  expect(score).toBeGreaterThan(1 / 9);
  expect(score).toBeLessThan(meanScore(1) - 0.15);
});

test("the loss of score is proportional to the share of careless answers", () => {
  expect(meanScore(0)).toBe(1);
  expect(Math.abs(meanScore(0.5) - (1 + meanScore(1)) / 2)).toBeLessThan(0.05);
});

test("a hasty reply names the first of its kind that the case lists, for a share of the answers", () => {
  const [one] = cases as [(typeof cases)[0]];
  const first = one.questions.map(({ letter, choices }) => `${letter}. ${choices[0]}`).join("\n");
  expect(hastyReply(one, new Rng(1), 1)).toBe(first);
  expect(hastyReply(one, new Rng(1), 0)).toBe(goldReply(one.solution));
  const score = (share: number) => {
    const scores = cases.map((each, index) => {
      return grade(hastyReply(each, new Rng(6, index), share), each.solution).score;
    });
    return scores.reduce((sum, each) => sum + each, 0) / scores.length;
  };
  const level = cases.reduce((sum, each) => sum + randomGuessLevel(each), 0) / cases.length;
  expect(Math.abs(score(1) - level)).toBeLessThan(0.05);
  expect(Math.abs(score(0.5) - (1 + score(1)) / 2)).toBeLessThan(0.05);
});

test("the gold reply is one line per letter", () => {
  expect(goldReply({ A: "Mrs. White", B: "Rope" })).toBe("A. Mrs. White\nB. Rope");
});
