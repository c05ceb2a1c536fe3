import { expect, test } from "vitest";

import { printable } from "./printable.js";

test.each([
  ["\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"],
  ["a\rb\r\nc\n\td", "a\\u000db\nc\n\td"],
  // CSI as a single byte, for terminals in 8-bit mode.
  ["\x9b31m", "\\u009b31m"],
  ["user\u202egnp.exe", "user\\u202egnp.exe"],
  ["Müller 한 😀 e\u0301", "Müller 한 😀 e\u0301"],
])("control characters in a text are escaped: %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("escaped JSON parses to the same values", () => {
  const value = { "\x9b": ["\x1b[2J", "\x7f", "\u202e\n"] };
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
});
