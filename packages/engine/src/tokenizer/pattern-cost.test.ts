import { expect, test } from "vitest";

import { costProblem } from "./pattern-cost.js";
import { readWordPattern } from "./word-pattern.js";

const WORDS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
const SPACES = "\\s+(?!\\S)|\\s+";

test.each([
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|${WORDS}|\\s*[\\r\\n]+|${SPACES}`,
  `'(?i:[sdmt]|ll|ve|re)|${WORDS}|\\s*[\\r\\n]|${SPACES}`,
  "[^a]?[\\p{Lu}\\p{M}]*[\\p{Ll}\\p{M}]+(?i:'s|'t)?|[^a]?[\\p{Lu}\\p{M}]+[\\p{Ll}\\p{M}]*(?i:'s|'t)?",
  "\\s?[A-Za-z]+",
  " {2,}",
  "a*b|a+",
  "(?<!x)ab+",
])("a pattern whose alternatives consume whole runs is linear: %s", (pattern) => {
  expect(costProblem(pattern)).toBe(null);
});

test.each([
  ...[
    "a*b",
    "a+$",
    "a*b|a",
    "a*b|a+?",
    "a*b|a+c",
    "a*a*b|a+",
    "[ab]*c|a+|b+",
    "a+(?!b)",
    "a+(?!b)|a",
  ],
  ...["(a*){0,50}b", "(a+|b)c", "(?=a*)a", "(?<=a*)b", "x(?=a*b)", "a{1,200}b", "a+?b"],
])("a pattern that backtracks into its own repetition is refused: %s", (pattern) => {
  expect(costProblem(pattern)).toContain("backtracks over");
});

test.each(["(a|a){1,30}b", "a?".repeat(30) + "a".repeat(30), "a{0,99}a{0,99}b", "(a?){30}b"])(
  "a pattern with too many ways to match is refused: %s",
  (pattern) => expect(costProblem(pattern)).toContain("too many ways"),
);

test("trailing spaces are found in one pass, the same ones as without the lookbehind", () => {
  const find = (pattern: string, text: string) =>
    [...text.matchAll(new RegExp(pattern, "gu"))].map(({ index, 0: found }) => [index, found]);
  const pattern = readWordPattern("\\s+$");
  for (const text of ["", " ", "a ", " a", "a \n ", "  a  b  \n", "\u3000a\u3000"]) {
    expect(find(pattern, text)).toEqual(find("\\s+$", text));
  }
  const begun = performance.now();
  find(pattern, `${" ".repeat(1_000_000)}x`);
  // Milliseconds; half an hour if a search started at every space.
  expect(performance.now() - begun).toBeLessThan(1000);
});
