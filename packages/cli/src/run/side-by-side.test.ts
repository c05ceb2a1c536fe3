import { expect, test } from "vitest";

import { sideBySide } from "./side-by-side.js";

test("texts stand side by side, wrapped to their columns", () => {
  const text = sideBySide(
    [
      { title: "a", text: "the murderer was in the hall all the time" },
      { title: "b", text: "nobody" },
    ],
    50,
  );
  expect(text.split("\n")).toEqual([
    "a                         b",
    "------------------------  ------------------------",
    "the murderer was in the   nobody",
    "hall all the time",
  ]);
});

test("texts that do not fit beside each other follow below, and a long word is cut", () => {
  const texts = ["x".repeat(30), "y", "z"].map((text, i) => ({ title: `${i}`, text }));
  const lines = sideBySide(texts, 24).split("\n");
  expect(lines.every(({ length }) => length <= 24)).toBe(true);
  expect(lines).toContain("x".repeat(6));
  expect(lines.at(-1)).toBe("z");
});
