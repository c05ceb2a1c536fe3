import { expect, test } from "vitest";

import { formatClock, formatCount, formatDuration, formatInterval } from "./format.js";

test("durations are written in the two largest units", () => {
  expect([0.4, 8, 59.6, 200, 7505].map(formatDuration)).toEqual([
    "0 s",
    "8 s",
    "1 min 0 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});

test("a clock never runs below zero", () => {
  expect([187, 9.4, -3].map(formatClock)).toEqual(["3:07", "0:09", "0:00"]);
});

test("counts have separators, intervals three digits", () => {
  expect(formatCount(1234567.8)).toBe("1,234,568");
  expect(formatInterval({ low: 0.4, high: 0.51234 })).toBe("0.400 to 0.512");
});
