import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import {
  Float,
  isList,
  Markup,
  Namespace,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** White space of Python's `str` methods and regular expressions. */
export const WHITE_SPACE =
  "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACE = new RegExp(`^[${WHITE_SPACE}]$`);
const NOT_PRINTABLE = /^[\p{C}\p{Z}]$/u;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Returns whether Python counts a character as white space. */
export function isSpace(character: string): boolean {
  return SPACE.test(character);
}

/** Returns a text's characters as Python counts them: code points. */
export function characters(text: string, budget: Budget): readonly string[] {
  budget.text(text);
  return Array.from(text);
}

/** Returns the result of Python's `str`. */
export function textOf(value: Value, budget: Budget): string {
  if (typeof value === "string") return budget.text(value);
  if (value instanceof Undefined) return "";
  if (value instanceof Markup) return budget.text(value.text);
  return reprOf(value, budget);
}

/** Returns the result of Python's `repr`. */
export function reprOf(value: Value, budget: Budget): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return budget.text(quoted(value));
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Markup) return budget.text(`Markup(${quoted(value.text)})`);
  return budget.nested(() => containerText(value, budget));
}

function containerText(value: Value, budget: Budget): string {
  const repr = (item: Value) => reprOf(item, budget);
  budget.spend();
  if (isList(value)) return budget.text(`[${value.map(repr).join(", ")}]`);
  if (value instanceof Tuple) {
    const items = value.items.map(repr).join(", ");
    return budget.text(value.items.length === 1 ? `(${items},)` : `(${items})`);
  }
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${repr(key)}: ${repr(item)}`);
    return budget.text(`{${entries.join(", ")}}`);
  }
  if (value instanceof Namespace) return `<Namespace ${repr(new Map(value.fields))}>`;
  if (value instanceof View && value.typeName !== "range") {
    return budget.text(`${value.typeName}([${value.items.map(repr).join(", ")}])`);
  }
  // Python prints an address here, which differs between processes.
  throw new TemplateError(`writes a ${typeOf(value)} as text`);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === quote || character === "\\") result += `\\${character}`;
    else if (ESCAPES[character] !== undefined) result += ESCAPES[character];
    else if (character === " " || !NOT_PRINTABLE.test(character)) result += character;
    else if (code <= 0xff) result += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (code <= 0xffff) result += `\\u${code.toString(16).padStart(4, "0")}`;
    else result += `\\U${code.toString(16).padStart(8, "0")}`;
  }
  return quote + result + quote;
}

/** Formats a float as Python prints it: the shortest digits, with an exponent from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [mantissa = "0", power = "0"] = value.toExponential().split("e");
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = mantissa.replace(/[-.]/g, "");
  const sign = value < 0 ? "-" : "";
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** Escapes a text as Jinja does. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll(">", "&gt;")
    .replaceAll("<", "&lt;")
    .replaceAll("'", "&#39;")
    .replaceAll('"', "&#34;");
}

/** Removes characters from the ends of a text, white space by default. */
export function strip(text: string, ends: "left" | "right" | "both", chars: string | null): string {
  const set = chars === null ? null : new Set(chars);
  const inSet = (character: string) => (set === null ? isSpace(character) : set.has(character));
  const all = Array.from(text);
  let start = 0;
  let end = all.length;
  if (ends !== "right") while (start < end && inSet(all[start] ?? "")) start++;
  if (ends !== "left") while (end > start && inSet(all[end - 1] ?? "")) end--;
  return all.slice(start, end).join("");
}

/** Returns the result of Python's `str.isupper`: uppercase letters exist, and no lowercase ones. */
export function isUpper(text: string): boolean {
  return /\p{Uppercase}/u.test(text) && !/\p{Lowercase}|\p{Lt}/u.test(text);
}

/** Returns the result of Python's `str.islower`. */
export function isLower(text: string): boolean {
  return /\p{Lowercase}/u.test(text) && !/\p{Uppercase}|\p{Lt}/u.test(text);
}

/** Capitalises each word, as Python's `str.title` does. */
export function titleCase(text: string): string {
  let result = "";
  let inWord = false;
  for (const [character, small] of withSmallLetters(text)) {
    const cased = CASED.test(character);
    result += cased ? (inWord ? small : capital(character)) : character;
    inWord = cased;
  }
  return result;
}

/** Pairs each character with its lowercase form; that of a sigma depends on its neighbours. */
function withSmallLetters(text: string): [character: string, small: string][] {
  const small = text.toLowerCase();
  let at = 0;
  return Array.from(text, (character) => {
    const start = at;
    at += character.toLowerCase().length;
    return [character, small.slice(start, at)];
  });
}

/** Converts the first letter to title case and the rest to lowercase. */
export function capitalized(text: string): string {
  const [first, ...rest] = withSmallLetters(text);
  return first === undefined ? "" : capital(first[0]) + rest.map(([, small]) => small).join("");
}

const CASED = /^(?:\p{Lowercase}|\p{Uppercase}|\p{Lt})$/u;
/** Letters whose title case is neither their uppercase form nor themselves. */
const TITLE_CASE = new Map([
  ["ŉ", "ʼN"],
  ...["Ǆǅǆ", "Ǉǈǉ", "Ǌǋǌ", "Ǳǲǳ"].flatMap((forms) =>
    Array.from(forms, (form) => [form, forms[1] ?? ""] as const),
  ),
]);
const GEORGIAN = /^[\u10d0-\u10ff]$/;
const GREEK_WITH_IOTA = /^[\u1f80-\u1fff]$/;

/** Returns Python's title case of one letter; of a ligature only the first part is capitalised. */
function capital(character: string): string {
  const known = GEORGIAN.test(character) ? character : TITLE_CASE.get(character);
  if (known !== undefined) return known;
  const [first = "", ...rest] = Array.from(character.toUpperCase());
  if (rest.length > 0 && GREEK_WITH_IOTA.test(character)) {
    throw new TemplateError(`writes ${character} as a capital, not known here`);
  }
  return first + rest.join("").toLowerCase();
}
