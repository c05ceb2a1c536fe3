import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { goldReply, parseDataset, type PuzzleRecord } from "@gumshoe/puzzles";

import { gradeReplies, parseReplies } from "./replies.js";

const PUBLIC_CASES = new URL("../../../../test/golden/temporal-clue/val.json", import.meta.url);
const CASES: PuzzleRecord[] = [
  { num_clues: 1, prompt: "p", solution: { A: "Mrs. White", B: "Rope" } },
  { num_clues: 1, prompt: "q", solution: { A: "Mr. Green" } },
];

describe("parseReplies", () => {
  test("a list is in the order of the cases, lines name their case", () => {
    expect(parseReplies('["a", "b"]', 2)).toEqual([
      { index: 0, reply: "a" },
      { index: 1, reply: "b" },
    ]);
    const lines = '{"index": 1, "reply": "x"}\n\n{"index": 1, "reply": "y"}\n';
    expect(parseReplies(lines, 2)).toEqual([
      { index: 1, reply: "x" },
      { index: 1, reply: "y" },
    ]);
  });

  test("what is wrong is named by its place", () => {
    expect(() => parseReplies('["a", 7]', 2)).toThrow("reply 2: must be a text");
    expect(() => parseReplies('["a", "b", "c"]', 2)).toThrow("reply 3: is for case 2");
    expect(() => parseReplies('{"index": 0, "reply": "a"}\nnot json', 2)).toThrow("line 2: is not");
    expect(() => parseReplies('{"index": -1, "reply": "a"}', 2)).toThrow("line 1: index: must be");
    expect(() => parseReplies('{"index": 0}', 2)).toThrow("line 1: reply: must be a text");
    expect(() => parseReplies("[]", 2)).toThrow("replies: there are none");
  });
});

describe("gradeReplies", () => {
  test("several replies to a case count as one case", () => {
    const replies = [
      { index: 0, reply: "A. Mrs. White\nB. Rope" },
      { index: 0, reply: "A. Mrs. White\nB. Knife" },
      { index: 1, reply: "I do not know." },
    ];
    const graded = gradeReplies(CASES, replies, "fixed");
    expect(graded).toMatchObject({ mean: 0.375, count: 2, scores: [1, 0.5, 0] });
    expect(graded.low).toBeLessThan(0.375);
  });

  test("many replies to one case are counted in one pass", () => {
    const replies = Array.from({ length: 100_000 }, () => ({ index: 0, reply: "" }));
    const begun = performance.now();
    expect(gradeReplies(CASES, replies, "fixed").count).toBe(1);
    // Some 100 ms; a minute where each reply copies those before it.
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("the right answers to the public cases score 1, and 0.9259 as the recipe reads them", () => {
    const records = parseDataset(readFileSync(PUBLIC_CASES, "utf8"));
    const replies = records.map(({ solution }, index) => ({ index, reply: goldReply(solution) }));
    expect(gradeReplies(records, replies, "fixed").mean).toBe(1);
    expect(gradeReplies(records, replies, "seed").mean).toBeCloseTo(0.9259, 4);
  });
});
