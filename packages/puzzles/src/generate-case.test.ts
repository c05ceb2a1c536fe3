import { sha256 } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { loadCadical } from "../../../test/support/cadical.js";
import { checkCase } from "./check-case.js";
import { corpus } from "./corpus.js";
import { type Case, generateCase } from "./generate-case.js";
import { grade } from "./grading/grade.js";
import { goldReply, randomGuessLevel } from "./grading/replies.js";
import { STYLES } from "./prompt/style.js";
import { TIER_NAMES, type TierName } from "./tiers.js";

const cadical = await loadCadical();

function cases(tier: TierName, count: number, seed = 9): Case[] {
  return Array.from({ length: count }, (_, index) =>
    generateCase({ tier, style: "clear", seed, index }),
  );
}

describe.each(TIER_NAMES)("tier %s", (tier) => {
  const count = tier === "mini" ? 60 : 2;

  test("a case has one solution and no redundant clue, according to the other solver", () => {
    for (const one of cases(tier, count)) {
      expect(checkCase(one, cadical), one.prompt).toEqual({ unique: true, redundant: [] });
    }
  });

  test("another solver makes the same case", () => {
    for (const one of cases(tier, count)) {
      const { style, seed, index } = one;
      expect(generateCase({ tier, style, seed, index, solver: cadical })).toEqual(one);
    }
  });

  test("the gold reply scores 1 in every style", () => {
    for (const style of STYLES) {
      for (let index = 0; index < count; index++) {
        const { solution } = generateCase({ tier, style, seed: 10, index });
        expect(grade(goldReply(solution), solution).score).toBe(1);
      }
    }
  });
});

describe("mini cases", () => {
  const many = cases("mini", 400, 3);

  test("are the same on every machine and in every version", () => {
    const text = many.map(({ prompt, solution }) => prompt + goldReply(solution)).join("\n");
    expect(sha256(text)).toBe("a42b63f9a41acd5020ba84f8cef106b3d384626b0890c13714c3742d7889257c");
  });

  test("stay within their sizes", () => {
    for (const { setting, questions, prompt } of many) {
      expect([2, 3]).toContain(setting.suspects.length);
      expect(setting.weapons).toHaveLength(2);
      expect([2, 3, 4]).toContain(setting.rooms.length);
      expect([1, 2]).toContain(setting.times.length);
      expect([0, 2, 3]).toContain(setting.motives.length);
      expect(questions.length).toBeGreaterThanOrEqual(3);
      expect(questions.length).toBeLessThanOrEqual(5);
      expect(prompt.length).toBeLessThan(1600);
    }
  });

  test("are guessed right four times in ten", () => {
    const levels = many.map(randomGuessLevel);
    const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
    expect(mean).toBeGreaterThan(0.35);
    expect(mean).toBeLessThan(0.45);
  });

  test("differ from each other", () => {
    expect(new Set(many.map(({ prompt }) => prompt)).size).toBe(many.length);
  });
});

test("another attempt at the same index is another case", () => {
  const name = { tier: "mini", style: "clear", seed: 1, index: 0 } as const;
  expect(generateCase({ ...name, attempt: 1 }).prompt).not.toBe(generateCase(name).prompt);
});

test("the style changes the wording, not what happened", () => {
  const name = { tier: "easy", seed: 4, index: 2 } as const;
  const clear = generateCase({ ...name, style: "clear" });
  const dataset = generateCase({ ...name, style: "dataset" });
  expect(dataset.prompt).not.toBe(clear.prompt);
  expect(dataset.solution).toEqual(clear.solution);
  expect(dataset.clues).toEqual(clear.clues);
});

test("a redundant and a missing clue are detected", () => {
  const [one] = cases("mini", 1);
  if (one === undefined) throw new Error("no case");
  const { setting, clues, truth } = one;
  const extra = { type: "solution", part: "murderer", value: truth.murder.suspect } as const;
  expect(checkCase({ setting, truth, clues: [...clues, extra] }).redundant).toContain(clues.length);
  expect(checkCase({ setting, truth, clues: clues.slice(1) }).unique).toBe(false);
});

test("a corpus contains prompts with their answers", () => {
  const texts = [...corpus({ tier: "mini", style: "clear", seed: 9, count: 3 })];
  expect(texts).toHaveLength(3);
  const [one] = cases("mini", 1);
  expect(texts[0]).toBe(`${one?.prompt}\n\n${goldReply(one?.solution ?? {})}\n`);
});
