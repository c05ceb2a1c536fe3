import { expect, test } from "vitest";

import { loadCadical } from "../../../../test/support/cadical.js";
import { type Case, generateCase } from "../generate-case.js";
import { grade } from "../grading/grade.js";
import { encode } from "../solver/encoding.js";
import type { Variables } from "../solver/variables.js";
import { type ClueOrder, deduce } from "./deduce.js";
import { measureDifficulty } from "./difficulty.js";
import type { Fact } from "./fact.js";
import { searchTracedReply, tracedReply, writeTrace } from "./trace-text.js";

const cadical = await loadCadical();

function cases(tier: "mini" | "easy", count: number): Case[] {
  return Array.from({ length: count }, (_, index) =>
    generateCase({ tier, style: "clear", seed: 15, index }),
  );
}

/** Returns the literal that is equivalent to a fact. */
function literalOf(v: Variables, { statement, holds }: Fact): number {
  const sign = holds ? 1 : -1;
  if (statement.type === "motive") return sign * v.motive(statement.suspect, statement.motive);
  if (statement.type === "at") {
    const { subject, time, room } = statement;
    return sign * v.at(subject.type === "piece" ? subject.piece : -1, time, room);
  }
  const { part, value } = statement;
  if (part === "murderer") return sign * v.killer(value);
  if (part === "weapon") return sign * v.murderWeapon(value);
  return sign * (part === "room" ? v.murderRoom(value) : v.murderTime(value));
}

const ORDERS: readonly ClueOrder[] = ["listed", "plainest"];

test.each(ORDERS)("a step follows from its clues and the earlier ones (%s)", (order) => {
  for (const { setting, clues } of [...cases("mini", 25), ...cases("easy", 4)]) {
    const solver = cadical();
    const { selectors, variables } = encode(solver, setting, clues);
    const known: number[] = [];
    for (const step of deduce(setting, clues, order).steps) {
      const given = step.clues.map((index) => selectors[index] as number);
      const literals = step.facts.map((fact) => literalOf(variables, fact));
      for (const literal of literals) {
        expect(solver.solve([...known, ...given, -literal])).toBe(false);
      }
      known.push(...literals);
    }
    solver.dispose();
  }
});

test.each(ORDERS)("a deduction ends with the full truth (%s)", (order) => {
  for (const { setting, clues, truth } of [...cases("mini", 25), ...cases("easy", 4)]) {
    const places = truth.places.map((rooms) => rooms.map(() => -1));
    const facts = deduce(setting, clues, order).steps.flatMap((step) => step.facts);
    for (const { statement, holds } of facts) {
      if (!holds || statement.type !== "at" || statement.subject.type !== "piece") continue;
      (places[statement.subject.piece] as number[])[statement.time] = statement.room;
    }
    expect(places).toEqual(truth.places);
  }
});

test("a trace is written in this form", () => {
  const made = generateCase({ tier: "mini", style: "clear", seed: 1, index: 0 });
  expect(writeTrace(made, "clear")).toBe(
    [
      "The Knife was one room west of Colonel Mustard -> Colonel Mustard was not in the Conservatory",
      "Mr. Boddy was in the Conservatory -> Colonel Mustard did not kill Mr. Boddy; Mr. Boddy was killed in the Conservatory",
      "Colonel Mustard was in the Billiard Room",
      "Professor Plum was in the Ballroom -> Miss Scarlet was in the Conservatory; Miss Scarlet killed Mr. Boddy",
      "The Knife was one room west of Colonel Mustard -> The Knife was in the Ballroom; The Candlestick was in the Conservatory; Mr. Boddy was killed with the Candlestick",
    ].join("\n"),
  );
});

test("a traced reply begins with plain clues, states places, and concludes with what is asked", () => {
  const made = generateCase({ tier: "mini", style: "clear", seed: 1, index: 0 });
  expect(tracedReply(made)).toBe(
    [
      "- Mr. Boddy was in the Conservatory",
      "- Colonel Mustard was in the Billiard Room",
      "- Professor Plum was in the Ballroom -> Miss Scarlet was in the Conservatory",
      "- The Knife was one room west of Colonel Mustard -> The Knife was in the Ballroom; The Candlestick was in the Conservatory",
      "- Mr. Boddy was in the Conservatory; Miss Scarlet was in the Conservatory; The Candlestick was in the Conservatory",
      "- Professor Plum was in the Ballroom",
      "",
      "A. Miss Scarlet",
      "B. Candlestick",
      "C. Conservatory",
      "D. Ballroom",
    ].join("\n"),
  );
});

test("a traced reply of few lines leaves out repeated clues, and concludes what it has reached", () => {
  const made = generateCase({ tier: "mini", style: "clear", seed: 1, index: 0 });
  const answers = tracedReply(made).split("\n\n")[1];
  const cut = (maxLines: number) => tracedReply(made, { maxLines });
  const steps = [
    "- Professor Plum was in the Ballroom -> Miss Scarlet was in the Conservatory",
    "- The Knife was one room west of Colonel Mustard -> The Knife was in the Ballroom; The Candlestick was in the Conservatory",
  ];
  const crime = "- Mr. Boddy was in the Conservatory; Miss Scarlet was in the Conservatory";
  const asked = "- Professor Plum was in the Ballroom";
  expect(cut(2)).toBe(
    [...steps, `${crime}; The Candlestick was in the Conservatory`, asked, "", answers].join("\n"),
  );
  expect(cut(20)).toBe(cut(2));
  // Where the candlestick was is not deduced yet, so it is missing in the conclusion.
  expect(cut(1)).toBe([steps[0], crime, asked, "", answers].join("\n"));
});

test("a traced reply of few lines is found without the rest of the deduction", () => {
  const made = generateCase({ tier: "hard", style: "dataset", seed: 15, index: 0 });
  const numYields = (maxLines?: number) => [...searchTracedReply(made, { maxLines })].length;
  expect(numYields(5)).toBeLessThan(numYields() / 10);
});

test("a reply with the trace before the answers is graded as right by both graders", () => {
  for (const style of ["clear", "dataset"] as const) {
    for (let index = 0; index < 25; index++) {
      const made = generateCase({ tier: "easy", style, seed: 15, index });
      const reply = tracedReply(made);
      expect(reply.startsWith("- ")).toBe(true);
      expect(grade(reply, made.solution).score).toBe(1);
    }
  }
});

test("the trace of a hard case is found in many steps, between which other work can be done", () => {
  const made = generateCase({ tier: "hard", style: "clear", seed: 15, index: 0 });
  const search = searchTracedReply(made);
  let numYields = 0;
  let step = search.next();
  for (; step.done !== true; step = search.next()) numYields += 1;
  expect(step.value).toBe(tracedReply(made));
  // Every proof by contradiction is sought among many choices.
  const { numHardSteps } = measureDifficulty(made);
  expect(numHardSteps).toBeGreaterThan(0);
  expect(numYields).toBeGreaterThan(10 * numHardSteps);
});

test("larger cases are harder by every measure", () => {
  const mean = (tier: "mini" | "easy") => {
    const all = cases(tier, 20).map(measureDifficulty);
    const over = (pick: (one: (typeof all)[0]) => number) =>
      all.reduce((sum, one) => sum + pick(one), 0) / all.length;
    return [
      over((one) => one.numClues),
      over((one) => one.numEntities),
      over((one) => one.numSteps),
    ];
  };
  const mini = mean("mini");
  expect(mean("easy").every((value, index) => value > (mini[index] as number))).toBe(true);
});
