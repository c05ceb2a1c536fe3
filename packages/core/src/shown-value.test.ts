import { expect, test } from "vitest";

import { shownValue } from "./shown-value.js";

const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000)) as unknown;

test.each([
  ["a text", '"a text"'],
  [undefined, "undefined"],
  [null, "null"],
  [{ toString: "no function" }, '{"toString":"no function"}'],
  ["x".repeat(200), `"${"x".repeat(79)}...`],
  [deep, "a value that cannot be shown"],
  [1n, "a value that cannot be shown"],
])("any external value can be shown: %#", (value, shown) => {
  expect(shownValue(value)).toBe(shown);
});
