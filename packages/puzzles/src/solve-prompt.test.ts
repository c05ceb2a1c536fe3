import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

import { loadCadical } from "../../../test/support/cadical.js";
import { checkRecord } from "./check-record.js";
import { PromptError, UnsolvableError } from "./errors.js";
import { generateCase } from "./generate-case.js";
import { STYLES } from "./prompt/style.js";
import { solvePrompt } from "./solve-prompt.js";
import { parseDataset } from "./tasks/dataset.js";
import { TIER_NAMES } from "./tiers.js";

const GOLDEN = new URL("../../../test/golden/temporal-clue/val.json", import.meta.url);
const records = parseDataset(readFileSync(GOLDEN, "utf8"));
const cadical = await loadCadical();

test("the solver finds all 429 answers of the public cases from their prompts, and no clue is redundant", () => {
  const solved = records.map(({ prompt }) => solvePrompt(prompt, cadical));
  expect(solved.map(({ solution }) => solution)).toEqual(records.map(({ solution }) => solution));
  expect(solved.flatMap(({ redundant }) => redundant)).toEqual([]);
  expect(solved.flatMap(({ parsed }) => parsed.clues)).toHaveLength(1756);
});

test("the built-in solver finds the same answers", () => {
  for (const { prompt, solution } of records.slice(0, 8)) {
    expect(solvePrompt(prompt).solution).toEqual(solution);
  }
});

describe.each(STYLES)("style %s", (style) => {
  test.each(TIER_NAMES)("a written case of tier %s is parsed back unchanged", (tier) => {
    for (let index = 0; index < (tier === "mini" ? 60 : 2); index++) {
      const made = generateCase({ tier, style, seed: 33, index });
      const { parsed, solution, truth } = solvePrompt(made.prompt, cadical);
      expect(parsed.style).toBe(style);
      expect(parsed.clues).toEqual(made.clues);
      expect(parsed.questions.map(({ query }) => query)).toEqual(made.queries);
      expect(truth).toEqual(made.truth);
      expect(solution).toEqual(made.solution);
      // A case with one time does not show it.
      expect({ ...parsed.setting, times: [] }).toEqual({ ...made.setting, times: [] });
    }
  });
});

const PROMPT = `Suspects: Mrs. White, Mr. Green
Weapons: Rope, Knife
Rooms from west to east: Hall, Study

Clues:
- Mrs. White was in the same room as the Rope.
- The Knife was one room east of the Rope.
- Mr. Boddy was in the Study.
- Mr. Green was in the Study.

A. Who killed Mr. Boddy?
B. Where was the Knife?
`;

test("a hand-written prompt is solved", () => {
  expect(solvePrompt(PROMPT).solution).toEqual({ A: "Mr. Green", B: "Study" });
});

test("a clue of unknown form, or with an unknown name, is an error that names it", () => {
  const odd = (clue: string) => () =>
    solvePrompt(PROMPT.replace("Mr. Boddy was in the Study.", clue));
  expect(odd("Mr. Boddy slept in the Study.")).toThrow(PromptError);
  expect(odd("Mr. Boddy slept in the Study.")).toThrow('"Mr. Boddy slept in the Study."');
  expect(odd("Mr. Boddy was in the Attic.")).toThrow('"Mr. Boddy was in the Attic."');
  expect(odd("Mr. Boddy was in the Study at 11:00 PM.")).toThrow(PromptError);
});

test.each([
  ["Suspects: Mrs. White, Mr. Green", "Suspects: Mrs. White, Mrs. White", "listed twice"],
  ["Weapons: Rope, Knife\n", "", "none are listed"],
  ["Clues:\n", "", "no such line"],
  ["Who killed Mr. Boddy?", "Who loved Mr. Boddy?", '"Who loved Mr. Boddy?"'],
  ["Weapons:", "Motives: Greed (3 suspects)\nWeapons:", "2 suspects have 3 motives"],
])("a prompt with %j replaced by %j is rejected", (from, to, message) => {
  expect(() => solvePrompt(PROMPT.replace(from, to))).toThrow(message);
});

test("the error about contradictory clues names exactly these clues", () => {
  const prompt = PROMPT.replace(
    "Clues:",
    "Clues:\n- The Rope was in the Study.\n- Mr. Boddy was killed with the Rope.",
  );
  expect(() => solvePrompt(prompt)).toThrow(UnsolvableError);
  try {
    solvePrompt(prompt);
  } catch (thrown) {
    if (!(thrown instanceof UnsolvableError)) throw thrown;
    expect(thrown.reason).toBe("contradiction");
    expect(thrown.clues).toContain("The Rope was in the Study.");
  }
});

test("clues with two solutions are rejected with a question that has two answers", () => {
  const prompt = PROMPT.replace("- Mr. Green was in the Study.\n", "").replace(
    "- Mrs. White was in the same room as the Rope.\n",
    "",
  );
  expect(() => solvePrompt(prompt)).toThrow(
    "more than one solution, such as A. Mrs. White and A. Mr. Green",
  );
});

describe("a record check", () => {
  const solution = { A: "Mr. Green", B: "Study" };
  const record = { num_clues: 4, prompt: PROMPT, solution };

  test("finds no problem in a valid record", () => {
    const [first] = records;
    if (first === undefined) throw new Error("no record");
    expect(checkRecord(first, cadical)).toEqual([]);
  });

  test.each([
    [
      "a wrong answer",
      { ...record, solution: { ...solution, B: "Hall" } },
      "B is Hall, it must be",
    ],
    [
      "an answer too many",
      { ...record, solution: { ...solution, C: "Hall" } },
      "C answers no question",
    ],
    ["an answer too few", { ...record, solution: { A: "Mr. Green" } }, "B is missing, it is Study"],
    ["a wrong number", { ...record, num_clues: 5 }, "num_clues is 5, the prompt has 4"],
    ["a clue too many", record, 'left out: "Mr. Green was in the Study."'],
    ["no case at all", { ...record, prompt: "Hello." }, "board"],
  ])("reports %s", (_what, one, problem) => {
    expect(checkRecord(one).join("\n")).toContain(problem);
  });
});
