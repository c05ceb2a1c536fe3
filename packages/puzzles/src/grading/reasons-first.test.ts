import { expect, test } from "vitest";

import { generateCase } from "../generate-case.js";
import { tracedReply } from "../trace/trace-text.js";
import { reasonsFirst } from "./reasons-first.js";
import { goldReply } from "./replies.js";

test("a reply with a text before its first answer reasons; answers alone do not", () => {
  for (const tier of ["mini", "easy"] as const) {
    for (let index = 0; index < 10; index++) {
      const made = generateCase({ tier, style: "clear", seed: 15, index });
      expect(reasonsFirst(tracedReply(made))).toBe(true);
      expect(reasonsFirst(goldReply(made.solution))).toBe(false);
    }
  }
});

test.each([
  ["**My answers:**\n\nA. Mrs. White", false],
  ["A. Mrs. White\nbecause she was alone with him in the Hall at that time", false],
  ["<think>\nMrs. White was in the Hall, and so was the Rope.\n</think>\nA. Mrs. White", true],
  ["Mrs. White was in the Hall, and so was the Rope", true],
  ["", false],
])("%j reasons: %s", (reply, reasons) => {
  expect(reasonsFirst(reply)).toBe(reasons);
});
