import { expect, test } from "vitest";

import { visibleText } from "./visible-text.js";

test("control characters have signs, line breaks and tabs stay", () => {
  expect(visibleText("a\u0000b\u001b[31m\tc\r\nd\re\u007f")).toBe("a␀b␛[31m\tc\nd␍e␡");
});

test("characters that are not drawn, or turn the direction of text, are named", () => {
  expect(visibleText("x\u202ey\u200bz\ufeff")).toBe("x⟨U+202E⟩y⟨U+200B⟩z⟨U+FEFF⟩");
});

test("half of a surrogate pair is named, a whole one stays", () => {
  expect(visibleText("\ud83d\ude00 \ud83d!")).toBe("😀 ⟨U+D83D⟩!");
});
