import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { compare } from "./compare-values.js";
import { floatText } from "./python-text.js";
import { Float, isList, plain, Tuple, typeOf, type Value } from "./values.js";

/** Format options of Python's `json.dumps`. */
export interface JsonStyle {
  readonly ensureAscii: boolean;
  /** Indentation per level; null writes one line. */
  readonly indent: string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
}

const MUST_ESCAPE = /["\\]|\p{Cc}/gu;
const NOT_ASCII = /[^ -~]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Serialises a value as Python's `json.dumps` does. */
export function toJson(value: Value, style: JsonStyle, budget: Budget): string {
  return budget.text(write(value, { style, budget, margin: "" }));
}

interface Writing {
  readonly style: JsonStyle;
  readonly budget: Budget;
  /** White space before the items of the current object. */
  readonly margin: string;
}

function write(given: Value, writing: Writing): string {
  const { style, budget } = writing;
  const value = plain(given);
  budget.spend();
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return jsonString(budget.text(value), style.ensureAscii);
  if (value instanceof Float) return jsonFloat(value.value);
  const inner = { ...writing, margin: writing.margin + (style.indent ?? "") };
  return budget.nested(() => {
    if (value instanceof Map) {
      const entries = sorted([...value], writing).map(([key, item]) => {
        const name = jsonString(keyText(key), style.ensureAscii);
        return name + style.separators[1] + write(item, inner);
      });
      return wrapped(["{", "}"], entries, writing);
    }
    const items = value instanceof Tuple ? value.items : value;
    if (!isList(items)) throw new TemplateError(`writes a ${typeOf(value)} as JSON`);
    return wrapped(
      ["[", "]"],
      items.map((item) => write(item, inner)),
      writing,
    );
  });
}

function sorted(entries: [Value, Value][], { style, budget }: Writing): [Value, Value][] {
  return style.sortKeys ? entries.sort(([a], [b]) => compare(a, b, budget)) : entries;
}

function wrapped(
  [open, close]: readonly [string, string],
  parts: readonly string[],
  { style, margin, budget }: Writing,
): string {
  if (parts.length === 0) return open + close;
  const [separator] = style.separators;
  if (style.indent === null) return budget.text(open + parts.join(separator) + close);
  const line = `\n${margin}${style.indent}`;
  return budget.text(`${open}${line}${parts.join(separator + line)}\n${margin}${close}`);
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  return key === null ? "null" : typeof key === "number" ? String(key) : "";
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return floatText(value);
}

function jsonString(text: string, ensureAscii: boolean): string {
  const escaped = text.replace(
    MUST_ESCAPE,
    (letter) => SHORT[letter] ?? (letter < " " ? unicodeEscape(letter) : letter),
  );
  const ascii = ensureAscii ? escaped.replace(NOT_ASCII, unicodeEscape) : escaped;
  return `"${ascii}"`;
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
