import { InvalidArgumentError, Rng } from "@gumshoe/core";
import { describe, expect, test } from "vitest";

import { configProblem } from "../../../test/support/config-problem.js";
import { parseRunConfig } from "./parse.js";

const GRPO =
  "type: grpo\nname: first\nmodel: models/rookie\ntasks: { source: { type: generate } }\n";

describe("text that is slow to parse", () => {
  const unique = Array.from({ length: 50_000 }, (_, i) => `key${i}: 1`).join("\n");
  const worst = [
    ...['"', "'", "'' ", '"" ', "*a ", "&a ", "!a ", "]", "}", "[", "{", "[{", "{[", "- ", "? "],
    ...["- ? ", ": ", "a: ", "a: 1\n", ", ", "[],", "|", ">", "#", "%a\n", "--- a\n", "...\n"],
    ...[
      "\t",
      "@",
      "`",
      "\\",
      '"\n',
      '"\\u',
      "&a [",
      "*a: ",
      "a",
      "a ",
      "\n",
      " ",
      "<<: *a\n",
      unique,
    ],
  ];

  test.each(worst)("piece %#, repeated many times, is parsed or rejected quickly", (piece) => {
    for (const length of [10_000, 65_000, 120_000, 1_000_000]) {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      const begun = performance.now();
      expect(configProblem(text)).toMatch(/^[a-z]/);
      // Some milliseconds on an idle machine; without limits seconds, or a crash.
      expect(performance.now() - begun).toBeLessThan(3000);
    }
  });

  test("too long, too large and too deep texts have different errors", () => {
    expect(configProblem("#".repeat(65_537))).toBe("config: is longer than 65536 characters");
    expect(configProblem("a: 1\n".repeat(4000))).toBe(
      "config: has more than 5000 words, fields and items",
    );
    expect(configProblem(`a: ${"[".repeat(21)}`)).toBe("config: is nested deeper than 20 levels");
    expect(configProblem(`a: [${"&b 1, ".repeat(101)}]`)).toBe(
      "config: has more than 100 anchors, aliases and tags",
    );
  });

  test("a long name is neither compared nor quoted", () => {
    const told = configProblem(`${GRPO}? ${"x".repeat(60_000)}\n: 1`);
    expect(told).toMatch(/x\.\.\.: unknown field$/);
    expect(told.length).toBeLessThan(300);
  });

  test("random text is parsed or rejected", () => {
    const seed = Number(process.env["GUMSHOE_TEST_SEED"] ?? Date.now() % 1e9);
    const random = new Rng(seed);
    const signs = [
      ..."[]{}-?:,&*!|>#%@'\"\\\n\n  \tab1",
      "type: grpo\n",
      "tasks:\n  ",
      "null",
      "\u00e9",
    ];
    for (let i = 0; i < 10_000; i++) {
      const length = random.below(i % 100 === 0 ? 2000 : 60);
      const pick = () => signs[random.below(signs.length)] ?? "";
      const text = Array.from({ length }, pick).join("");
      try {
        parseRunConfig(text);
      } catch (error) {
        if (error instanceof InvalidArgumentError) continue;
        throw new Error(`seed ${seed}: ${JSON.stringify(text)}`, { cause: error });
      }
    }
  });
});
