import { expect, test } from "vitest";

import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatInterval,
  formatShare,
} from "./format.js";

test("durations are formatted in the two largest units", () => {
  expect([0.4, 8, 59.6, 200, 7505].map(formatDuration)).toEqual([
    "0 s",
    "8 s",
    "1 min 0 s",
    "3 min 20 s",
    "2 h 5 min",
  ]);
});

test("a clock never shows less than zero", () => {
  expect([187, 9.4, -3].map(formatClock)).toEqual(["3:07", "0:09", "0:00"]);
});

test("counts have separators, intervals three digits", () => {
  expect(formatCount(1234567.8)).toBe("1,234,568");
  expect(formatInterval({ low: 0.4, high: 0.51234 })).toBe("0.400 to 0.512");
});

test("a share is only then 0 or 100 percent when it is exactly that", () => {
  const shares = [0, 0.001, 0.274, 0.999, 1];
  expect(shares.map(formatShare)).toEqual(["0 %", "1 %", "27 %", "99 %", "100 %"]);
});

test("sizes have a unit that keeps them short", () => {
  const sizes = [0, 999, 1000, 3_410_000, 99_960_000, 999_900_000, 1_900_000_000];
  expect(sizes.map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "3.4 MB",
    "100 MB",
    "1.0 GB",
    "1.9 GB",
  ]);
});
