import { expect, test } from "vitest";

import { printable } from "./printable.js";

test.each([
  ["\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"],
  ["a\rb\r\nc\n\td", "a\\u000db\nc\n\td"],
  // One byte of a terminal in its 8-bit form.
  ["\x9b31m", "\\u009b31m"],
  ["user\u202egnp.exe", "user\\u202egnp.exe"],
  ["Müller 한 😀 e\u0301", "Müller 한 😀 e\u0301"],
])("control characters of a text are written out: %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("JSON holds the same values afterwards", () => {
  const value = { "\x9b": ["\x1b[2J", "\x7f", "\u202e\n"] };
  expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
});
