import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { generateCase } from "../generate-case.js";
import { grade } from "./grade.js";
import { goldReply } from "./replies.js";

const REPLIES = 100_000;
/** Characters of a long reply. */
const LONG = 200_000;

/** Fragments that are inserted into replies. */
const DIRT = [
  "**",
  "_",
  "`",
  "- ",
  "> ",
  " ",
  "\n",
  "\u0000",
  "\ud800",
  "é",
  "\u2028",
  ".",
  ":",
  ")",
  "or",
  "<think>",
  "</think>",
  "A. ",
  "B.",
  "not ",
  "12:00 AM",
];

/** Mutates a text in a few places: inserts, deletes, duplicates, swaps lines. */
function mangle(rng: Rng, text: string): string {
  let result = text;
  for (let changes = rng.between(1, 5); changes > 0; changes--) {
    const at = rng.below(result.length + 1);
    const length = rng.below(12);
    const kind = rng.below(4);
    if (kind === 0) result = result.slice(0, at) + rng.pick(DIRT) + result.slice(at);
    else if (kind === 1) result = result.slice(0, at) + result.slice(at + length);
    else if (kind === 2) result = result.slice(0, at) + result.slice(Math.max(0, at - length));
    else result = rng.shuffle(result.split("\n")).join("\n");
  }
  return result;
}

test("mutated replies never throw, and no wrong answer is counted as right", () => {
  const cases = Array.from({ length: 200 }, (_, index) =>
    generateCase({ tier: index % 2 === 0 ? "mini" : "easy", style: "clear", seed: 61, index }),
  );
  const suspicious: string[] = [];
  for (let i = 0; i < REPLIES; i++) {
    const rng = new Rng(62, i);
    const made = rng.pick(cases);
    // All answers are wrong initially, so no mutation may score.
    const wrong = made.questions.map(({ letter, choices }): [string, string] => {
      const others = choices.filter((name) => name !== made.solution[letter]);
      return [letter, others.length > 0 ? rng.pick(others) : "nobody"];
    });
    const reply = mangle(rng, goldReply(Object.fromEntries(wrong)));
    for (const { correct, given, expected } of grade(reply, made.solution).questions) {
      // Acceptable only if a mutated letter happens to precede the right name.
      if (correct && !given?.includes(heartOf(expected))) suspicious.push(reply);
    }
    grade(mangle(rng, goldReply(made.solution)), made.solution, { grader: "seed" });
  }
  expect(suspicious).toEqual([]);
}, 120_000);

/** Returns the essential part of a name: its last word, or the hour of a time. */
function heartOf(answer: string): string {
  const hour = /^0?(\d+):/.exec(answer)?.[1];
  return hour ?? answer.split(" ").at(-1) ?? "";
}

test.each(["fixed", "seed"] as const)(
  "the %s grader reads any long reply in linear time",
  (grader) => {
    const pieces = [
      ".",
      " ",
      "\n",
      "A",
      "A. ",
      "A. x",
      "(",
      "A. (",
      ")",
      "A. ()",
      "*",
      "A**",
      "_",
      ":",
      "|",
      "-",
      "A - ",
    ];
    const more = [
      "\u2028",
      "\u3000",
      "\u200b",
      "é",
      "\ud800",
      "<think>",
      "</think>",
      "? ",
      "A.\t",
      "9:00 ",
      "the ",
      "'",
    ];
    for (const piece of [...pieces, ...more]) {
      for (const [head, tail] of [
        ["", ""],
        ["A. (", ")"],
        ["A. Hall", "x"],
      ]) {
        const reply = head + piece.repeat(Math.ceil(LONG / piece.length)) + tail;
        const begun = performance.now();
        grade(reply, { A: "Hall", B: "Mrs. White" }, { grader });
        // Linear takes milliseconds; quadratic would take minutes.
        expect(performance.now() - begun, JSON.stringify([head, piece, tail])).toBeLessThan(1000);
      }
    }
    expect(grade(`A. Hall${".".repeat(LONG)}`, { A: "Hall" }).score).toBe(1);
  },
);
