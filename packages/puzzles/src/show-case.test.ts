import { expect, test } from "vitest";

import { generateCase } from "./generate-case.js";
import { explainCase, showCase } from "./show-case.js";

test("a case is explained from its prompt: every step, the board, and every walk", () => {
  const made = generateCase({ tier: "easy", style: "clear", seed: 7, index: 0 });
  const explained = explainCase(made.prompt);
  expect(explained.solution).toEqual(made.solution);
  expect(explained.trace).toHaveLength(5);
  expect(explained.walks).toBeNull();
  const text = showCase(explained);
  expect(text).toContain("\n5. Either Miss Scarlet was in the Hall or the Candlestick");
  expect(text).toContain("| Hall *");
  expect(text).toContain("Answers:\nA. Madame Rose\nB. Lead Pipe");
});

test.each(["clear", "dataset"] as const)(
  "every piece has a line in a %s case with times",
  (style) => {
    const { prompt, setting, truth } = generateCase({ tier: "medium", style, seed: 1, index: 2 });
    const { walks } = explainCase(prompt);
    const lines = walks?.split("\n") ?? [];
    expect(lines).toHaveLength(setting.suspects.length + 1 + setting.weapons.length);
    for (const [piece, line] of lines.entries()) {
      const rooms = truth.places[piece] ?? [];
      const numMoves = rooms.filter((room, time) => time > 0 && room !== rooms[time - 1]).length;
      expect(line.split(" -> ")).toHaveLength(numMoves + 1);
    }
  },
);
