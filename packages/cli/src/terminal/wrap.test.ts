import { expect, test } from "vitest";

import { wrapLine, wrapText } from "./wrap.js";

test("a line is wrapped at spaces, and only a word that is too long is cut", () => {
  expect(wrapLine("the murderer was in the hall", 12)).toEqual([
    "the murderer",
    "was in the",
    "hall",
  ]);
  expect(wrapLine("a candlestick", 6)).toEqual(["a", "candle", "stick"]);
  expect(wrapLine("", 5)).toEqual([""]);
});

test("wrapped lines keep their indentation and marks", () => {
  expect(wrapText("reward\n  > Mr. Green was there\n    in the hall", 12).split("\n")).toEqual([
    "reward",
    "  > Mr.",
    "  > Green",
    "  > was",
    "  > there",
    "    in the",
    "    hall",
  ]);
});
