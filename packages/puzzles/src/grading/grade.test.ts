import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { parseDataset } from "../tasks/dataset.js";
import { grade, type GraderName } from "./grade.js";
import { goldReply } from "./replies.js";

const GOLDEN = new URL("../../../../test/golden/temporal-clue/val.json", import.meta.url);
const records = parseDataset(readFileSync(GOLDEN, "utf8"));

const SOLUTION = { A: "Mrs. White", B: "Lead Pipe", C: "09:00 PM", D: "Cloak Room" };

function meanGold(grader: GraderName): number {
  const scores = records.map(
    ({ solution }) => grade(goldReply(solution), solution, { grader }).score,
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

function isRight(letter: string, line: string): boolean {
  return grade(line, SOLUTION).questions.find((one) => one.letter === letter)?.correct ?? false;
}

test("the answers of the public cases score 1.0, and 0.9259 with the published recipe's grader", () => {
  expect(meanGold("fixed")).toBe(1);
  expect(meanGold("seed")).toBeCloseTo(0.9259, 4);
});

describe("the fixed grader", () => {
  test.each([
    ["A", "A. Mrs. White"],
    ["A", "**A. Mrs. White**"],
    ["A", "- **A.** Mrs. White."],
    ["A", "> (A) mrs. white"],
    ["A", "A: Mrs White"],
    ["A", "  A.Mrs. White  "],
    ["A", "A) “Mrs. White”"],
    ["A", "A. Mr. Green\nno, wait\nA. Mrs. White"],
    ["A", "<think>\nA. Mr. Green\n</think>\nA. Mrs. White"],
    ["A", "A - Mrs. White"],
    ["A", "| A | Mrs. White |"],
    ["A", "Answer A: Mrs. White"],
    ["A", "A. SUSPECT: Mrs. White"],
    ["B", "B. the Lead Pipe."],
    ["B", "B. [Lead Pipe]"],
    ["B", "### B. **Lead  Pipe**\r"],
    ["C", "C. 9:00 pm"],
    ["C", "C. 9 p.m."],
    ["C", "C. 21:00"],
    ["C", "C. at 09:00 PM"],
    ["D", "D. _Cloak Room_"],
  ])("accepts for %s: %j", (letter, line) => expect(isRight(letter, line)).toBe(true));

  test.each([
    ["A", "Mrs. White"],
    ["A", "A. Mr. White"],
    ["A", "A. Mrs. White or Mr. Green"],
    ["A", "A. Not Mrs. White"],
    ["A", "A. White"],
    ["A", "So the answer to A. Mrs. White"],
    ["A", "A. Mrs. White\nA. Mr. Green"],
    ["A", "<think>\nA. Mrs. White\n</think>\nI do not know."],
    ["A", "<think>\nA. Mrs. White"],
    ["A", "B. Mrs. White"],
    ["A", "AA. Mrs. White"],
    ["A", "A Mrs. White"],
    ["A", "A-Mrs. White"],
    ["A", "A. WEAPON Mrs. White"],
    ["B", "B. Lead"],
    ["B", "B. Lead Pipes"],
    ["C", "C. 9:00"],
    ["C", "C. 9:00 AM"],
    ["C", "C. 09:00 PM or 10:00 PM"],
    ["C", "C. 9:60 PM"],
    ["C", "C. 21:00 PM"],
    ["D", "D. Room"],
  ])("rejects for %s: %j", (letter, line) => expect(isRight(letter, line)).toBe(false));

  test("distinguishes midnight from noon", () => {
    const midnight = (reply: string) => grade(reply, { A: "12:00 AM" }).score;
    expect(["A. 12 am", "A. midnight", "A. 00:00", "A. 12:00 A.M."].map(midnight)).toEqual([
      1, 1, 1, 1,
    ]);
    expect(["A. 12 pm", "A. noon", "A. 12:00", "A. 24:00"].map(midnight)).toEqual([0, 0, 0, 0]);
  });
});

describe("the seed-compatible grader", () => {
  const seed = (reply: string) => grade(reply, SOLUTION, { grader: "seed" }).questions;

  test("uses the last run of letters after a letter, anywhere", () => {
    expect(seed("Maybe A. Mr. Green, or rather A. Mrs. White")[0]).toMatchObject({
      given: "Mrs. White",
      correct: true,
    });
  });

  test("accepts no digits, so a time is never right", () => {
    expect(seed("C. 09:00 PM")[2]).toMatchObject({ correct: false });
  });

  test("rejects markup and a period at the end", () => {
    expect(seed("A. **Mrs. White**")[0]?.correct).toBe(false);
    expect(seed("B. Lead Pipe.")[1]?.correct).toBe(false);
    expect(seed("B. lead PIPE ")[1]?.correct).toBe(true);
  });
});

test.each(["", " \n", "\u0000", "A.", "A. ", "<think>", "x".repeat(100_000), "A".repeat(9)])(
  "a reply without answers scores 0: %#",
  (reply) => {
    for (const grader of ["fixed", "seed"] as const) {
      expect(grade(reply, SOLUTION, { grader })).toMatchObject({ score: 0, allCorrect: false });
    }
  },
);

test("right answers to main and bonus questions count equally", () => {
  const verdict = grade("A. Mrs. White\nB. Rope\nD. Cloak Room", SOLUTION);
  expect(verdict.score).toBe(0.5);
  expect(verdict.questions[1]).toEqual({
    letter: "B",
    given: "Rope",
    expected: "Lead Pipe",
    correct: false,
  });
  expect(verdict.questions[2]?.given).toBe(null);
});
