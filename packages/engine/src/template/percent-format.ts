import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { characters, reprOf, textOf } from "./python-text.js";
import { numberOf, Tuple, typeOf, type Value } from "./values.js";

const PLACE = /%(?:\(([^()]*)\))?([-+ #0]*)(\d*|\*)(?:\.(\d*|\*))?([^]?)/gu;
// The width starts after all zeros; otherwise a long row of zeros could be split at each.
const KNOWN = /^%(?:\([^()]*\))?(?:[-0]*(?:[1-9]\d*)?(?:[sr]|\.\d+[sr]|[di]|(?:\.\d+)?f)|%)$/;
/** Characters to which one field may be padded. */
const MAX_WIDTH = 10_000;

/** Formats a text as Python's `%` does: %s, %r, %d, %i, %f and %%, with width and zero padding. */
export function formatPercent(text: string, values: Value, budget: Budget): string {
  const given = values instanceof Tuple ? values.items : [values];
  let next = 0;
  const filled = text.replace(PLACE, (place: string, ...groups: (string | undefined)[]) => {
    const [key, flags = "", width = "", precision, kind = ""] = groups;
    if (!KNOWN.test(place)) {
      throw new TemplateError(`uses the format ${place.slice(0, 40)}, not known here`);
    }
    if (kind === "%") return "%";
    const value = key === undefined ? given[next++] : fieldOf(values, key);
    if (value === undefined) throw new TemplateError("has more places than values in a format");
    const written = convert({ kind, precision, place }, value, budget);
    // Zero padding is for numbers only.
    const fill = kind === "s" || kind === "r" ? flags.replaceAll("0", "") : flags;
    return pad(written, fill, Number(width));
  });
  if (next < given.length && !(values instanceof Map)) {
    throw new TemplateError("has more values than places in a format");
  }
  return budget.text(filled);
}

function fieldOf(values: Value, key: string): Value | undefined {
  return values instanceof Map ? values.get(key) : undefined;
}

function convert(
  { kind, precision, place }: { kind: string; precision: string | undefined; place: string },
  value: Value,
  budget: Budget,
): string {
  if (kind === "s") {
    return cut(textOf(value, budget), precision, budget);
  }
  if (kind === "r") return cut(reprOf(value, budget), precision, budget);
  const number = numberOf(value);
  if (number === null) throw new TemplateError(`writes a ${typeOf(value)} as ${place}`);
  if (kind === "d" || kind === "i") return String(Math.trunc(number));
  if (kind === "f" && Math.abs(number) < 1e21) return fixed(number, Number(precision ?? 6));
  throw new TemplateError(`uses the format ${place}, not known here`);
}

/** Rounds ties to even as Python does; JavaScript rounds them up. */
function fixed(number: number, precision: number): string {
  if (precision > 50) throw new TemplateError(`writes ${precision} digits behind the point`);
  const rounded = Math.abs(number).toFixed(precision);
  const exact = Math.abs(number).toFixed(100);
  const kept = exact.slice(0, exact.length - 100 + precision);
  const isTie = /^50*$/.test(exact.slice(exact.length - 100 + precision));
  const keep = isTie && Number(/\d(?=\.?$)/.exec(kept)?.[0]) % 2 === 0;
  return (number < 0 ? "-" : "") + (keep ? kept.replace(/\.$/, "") : rounded);
}

function cut(text: string, precision: string | undefined, budget: Budget): string {
  return precision === undefined
    ? text
    : characters(text, budget).slice(0, Number(precision)).join("");
}

function pad(text: string, flags: string, width: number): string {
  if (width > MAX_WIDTH) throw new TemplateError(`formats to a width of ${width}`);
  const missing = Math.max(0, width - Array.from(text).length);
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const sign = text.startsWith("-") ? "-" : "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}
