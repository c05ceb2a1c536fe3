import { TemplateError } from "../errors.js";

const ESCAPE =
  /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(\n)|([\\'"abfnrtv])|([xuUN]))/g;
const LETTERS: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * Decodes a quoted string literal with Python's escapes; unknown escapes are kept.
 *
 * @throws TemplateError
 */
export function readString(literal: string, line: number): string {
  return literal.slice(1, -1).replace(ESCAPE, (all: string, ...groups: (string | undefined)[]) => {
    const [x, u, long, octal, newline, letter, broken] = groups;
    const hex = x ?? u ?? long;
    if (broken !== undefined)
      throw new TemplateError(`has the escape ${all}, not known here`, line);
    if (newline !== undefined) return "";
    if (letter !== undefined) return LETTERS[letter] ?? letter;
    const code = hex === undefined ? parseInt(octal ?? "0", 8) : parseInt(hex, 16);
    if (code > 0x10ffff) throw new TemplateError(`has the escape ${all}, no character`, line);
    return String.fromCodePoint(code);
  });
}
