import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { formatPercent } from "./percent-format.js";
import { characters, escapeHtml } from "./python-text.js";
import type { BinaryOperator } from "./syntax-tree.js";
import {
  asMarkup,
  defined,
  exactInt,
  Float,
  isList,
  Markup,
  numberOf,
  Tuple,
  typeOf,
  type Value,
  View,
} from "./values.js";

/** Computes a binary operator as Python does. */
export function binary(
  operator: Exclude<BinaryOperator, "~" | "and" | "or">,
  left: Value,
  right: Value,
  budget: Budget,
): Value {
  const a = defined(left);
  const b = defined(right);
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== null && y !== null) {
    const isFloat = a instanceof Float || b instanceof Float;
    return arithmetic(operator, [x, y], isFloat);
  }
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") return budget.text(a + b);
    if (a instanceof Markup || b instanceof Markup) return addMarkup(a, b, budget);
    if (isList(a) && isList(b)) return paid([...a, ...b], budget);
    if (a instanceof Tuple && b instanceof Tuple) {
      return new Tuple(paid([...a.items, ...b.items], budget));
    }
  }
  if (operator === "*") {
    if (typeof a === "number") return repeated(b, a, budget);
    if (typeof b === "number") return repeated(a, b, budget);
  }
  if (operator === "%" && typeof a === "string") return formatPercent(a, b, budget);
  throw new TemplateError(`cannot compute ${typeOf(a)} ${operator} ${typeOf(b)}`);
}

/** Concatenates two texts of which one is markup: the other is escaped. */
function addMarkup(left: Value, right: Value, budget: Budget): Markup {
  const [a, b] = [left, right].map((value) => {
    if (value instanceof Markup) return value.text;
    if (typeof value === "string") return budget.text(escapeHtml(value));
    throw new TemplateError(`cannot compute ${typeOf(left)} + ${typeOf(right)}`);
  });
  return new Markup(budget.text(`${a}${b}`));
}

function arithmetic(operator: string, [x, y]: readonly [number, number], isFloat: boolean): Value {
  const result = (value: number) => (isFloat ? new Float(value) : exactInt(value));
  if (["/", "//", "%"].includes(operator) && y === 0) throw new TemplateError("divides by zero");
  switch (operator) {
    case "+":
      return result(x + y);
    case "-":
      return result(x - y);
    case "*":
      return result(x * y);
    case "/":
      return new Float(x / y);
    case "//":
      return result(Math.floor(x / y));
    case "%":
      // As in Python, the result has the sign of the divisor.
      return result(x - y * Math.floor(x / y));
    default:
      if (x === 0 && y < 0) throw new TemplateError("divides by zero");
      if (x < 0 && !Number.isInteger(y)) throw new TemplateError("computes a complex number");
      return isFloat || y < 0 ? new Float(x ** y) : exactInt(x ** y);
  }
}

function repeated(value: Value, count: number, budget: Budget): Value {
  if (value instanceof Markup) return asMarkup(repeated(value.text, count, budget));
  const times = Math.max(0, count);
  if (typeof value === "string") {
    budget.spend((times * value.length) / 16);
    return budget.text(value.repeat(times));
  }
  const items = value instanceof Tuple ? value.items : value;
  if (!isList(items)) throw new TemplateError(`cannot compute ${typeOf(value)} * int`);
  budget.spend((times * items.length) / 16);
  const all = Array.from({ length: times }, () => items).flat();
  return value instanceof Tuple ? new Tuple(all) : all;
}

function paid(items: Value[], budget: Budget): Value[] {
  budget.spend(1 + items.length / 16);
  return items;
}

/** Returns the item at an index, counted from the end if negative; undefined if out of range. */
export function itemAt(value: Value, index: number, budget: Budget): Value | undefined {
  const items =
    typeof value === "string"
      ? characters(value, budget)
      : value instanceof Tuple
        ? value.items
        : isList(value)
          ? value
          : value instanceof View && value.typeName === "range"
            ? value.items
            : [];
  return items.at(index);
}

/** Returns the slice of a text, list or tuple. */
export function slice(value: Value, bounds: readonly Value[], budget: Budget): Value {
  if (value instanceof Markup) return asMarkup(slice(value.text, bounds, budget));
  const [from, to, by] = bounds.map((bound) => {
    if (bound === null || typeof bound === "number") return bound;
    throw new TemplateError(`slices by a ${typeOf(bound)}`);
  });
  const isText = typeof value === "string";
  const items = isText
    ? characters(value, budget)
    : value instanceof Tuple
      ? value.items
      : defined(value);
  if (!isList(items)) throw new TemplateError(`slices a ${typeOf(value)}`);
  const step = by ?? 1;
  if (step === 0) throw new TemplateError("slices with a step of 0");
  const { length } = items;
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (bound: number | null | undefined, fallback: number) => {
    if (bound === null || bound === undefined) return fallback;
    return Math.min(high, Math.max(low, bound < 0 ? bound + length : bound));
  };
  const start = place(from, step > 0 ? 0 : length - 1);
  const end = place(to, step > 0 ? length : -1);
  const taken: Value[] = [];
  for (let i = start; step > 0 ? i < end : i > end; i += step) taken.push(items[i] ?? null);
  budget.spend(1 + taken.length / 16);
  if (isText) return (taken as string[]).join("");
  return value instanceof Tuple ? new Tuple(taken) : taken;
}
