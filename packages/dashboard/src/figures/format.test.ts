import { expect, test } from "vitest";

import { formatBytes, formatNumber, formatSeconds } from "./format.js";

test("numbers keep their significant digits and lose trailing zeros", () => {
  expect([0.5, 0.64213, 12345.6, 1e-6, -0.25, 0, null].map((value) => formatNumber(value))).toEqual(
    ["0.5", "0.6421", "12\u202f346", "1.00e−6", "−0.25", "0", "–"],
  );
});

test("spans of time have their two largest units", () => {
  expect([0.02, 4, 59.7, 61, 7500, 200_000].map(formatSeconds)).toEqual([
    "20 ms",
    "4.0 s",
    "1 min 00 s",
    "1 min 01 s",
    "2 h 05 min",
    "2 d 8 h",
  ]);
});

test("sizes are in binary units", () => {
  expect([512, 2048, 5.5 * 2 ** 30].map(formatBytes)).toEqual(["512 B", "2.0 KiB", "5.5 GiB"]);
});
