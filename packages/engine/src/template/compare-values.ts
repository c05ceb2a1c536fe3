import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { characters } from "./python-text.js";
import {
  defined,
  Generator,
  isList,
  Markup,
  numberOf,
  ObjectValue,
  plain,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** Returns the result of Python's `==`. */
export function equal(left: Value, right: Value, budget: Budget): boolean {
  budget.spend();
  const [a, b] = [plain(left), plain(right)];
  if (typeof a === "string" && typeof b === "string") return sameText(a, b, budget);
  if (a === b) return true;
  if (typeof a === "string" || typeof b === "string") return false;
  if (a instanceof Undefined && b instanceof Undefined) return true;
  const x = numberOf(a);
  const y = numberOf(b);
  if (x !== null && y !== null) return x === y;
  if (isList(a) && isList(b)) return sameItems(a, b, budget);
  if (a instanceof Tuple && b instanceof Tuple) return sameItems(a.items, b.items, budget);
  if (a instanceof View && b instanceof View) {
    throw new TemplateError(`compares a ${typeOf(a)} with a ${typeOf(b)}, not known here`);
  }
  if (!(a instanceof Map) || !(b instanceof Map) || a.size !== b.size) return false;
  return budget.nested(() =>
    [...a].every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other, budget);
    }),
  );
}

function sameItems(a: readonly Value[], b: readonly Value[], budget: Budget): boolean {
  if (a.length !== b.length) return false;
  return budget.nested(() => a.every((item, i) => equal(item, b[i] ?? null, budget)));
}

/**
 * Orders two values as Python's `<` does: negative when `a` comes first.
 *
 * @throws TemplateError when Python has no order for them
 */
export function compare(first: Value, second: Value, budget: Budget): number {
  budget.spend();
  const [a, b] = [plain(first), plain(second)];
  const x = numberOf(defined(a));
  const y = numberOf(defined(b));
  if (x !== null && y !== null) return x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN;
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b, budget);
  const left = a instanceof Tuple ? a.items : a;
  const right = b instanceof Tuple ? b.items : b;
  if (typeOf(a) !== typeOf(b) || !isList(left) || !isList(right)) {
    throw new TemplateError(`cannot order ${typeOf(a)} and ${typeOf(b)}`);
  }
  for (const [i, item] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    if (!equal(item, other, budget)) return budget.nested(() => compare(item, other, budget));
  }
  return left.length - right.length;
}

/** Comparing texts of equal length costs a scan; other lengths differ at once. */
export function sameText(a: string, b: string, budget: Budget): boolean {
  return a.length === b.length && budget.text(a) === b;
}

/** Compares by code points; JavaScript compares UTF-16 units, which order some characters differently. */
function compareTexts(a: string, b: string, budget: Budget): number {
  if (sameText(a, b, budget)) return 0;
  const left = characters(a, budget);
  const right = characters(b, budget);
  for (const [i, character] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Returns the result of Python's `in`. */
export function contains(within: Value, wanted: Value, budget: Budget): boolean {
  const [container, item] = [plain(within), plain(wanted)];
  if (container instanceof Undefined) return false;
  if (typeof container === "string") {
    if (typeof item === "string") return budget.text(container).includes(item);
    defined(item);
    throw new TemplateError(`looks for a ${typeOf(item)} in a str`);
  }
  if (container instanceof Map) return container.has(keyOf(item, budget));
  return iterate(container, budget).some((other) => equal(item, other, budget));
}

/**
 * Returns what a `for` iterates over: items, keys or characters.
 *
 * @throws TemplateError when the value is not iterable
 */
export function iterate(given: Value, budget: Budget): readonly Value[] {
  const value = plain(given);
  if (value instanceof Undefined) return [];
  if (typeof value === "string") return characters(value, budget);
  const items = isList(value)
    ? value
    : value instanceof Tuple || value instanceof View
      ? value.items
      : value instanceof Map
        ? [...value.keys()]
        : value instanceof Generator
          ? value.take()
          : null;
  if (items === null) throw new TemplateError(`cannot go through a ${typeOf(value)}`);
  budget.spend(1 + items.length / 16);
  return items;
}

/** Returns the result of Python's `len`; an undefined value has length 0. */
export function lengthOf(value: Value, budget: Budget): number {
  if (value instanceof ObjectValue) {
    const length = value.attribute("length");
    if (value.typeName === "LoopContext" && typeof length === "number") return length;
  }
  const hasNone = value instanceof ObjectValue || value instanceof Generator;
  if (value === null || hasNone || numberOf(value) !== null) {
    throw new TemplateError(`asks for the length of a ${typeOf(value)}`);
  }
  return iterate(value, budget).length;
}

/** @throws TemplateError when the value is not hashable */
export function keyOf(given: Value, budget: Budget): Value {
  const value = plain(given);
  if (typeof value === "string") return budget.text(value);
  if (typeof value === "number" || value === null) return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  throw new TemplateError(`uses a ${typeOf(value)} as the key of a dict`);
}

/**
 * Returns the key under which a dict stores a value.
 *
 * @throws TemplateError when the value cannot be a key, or the key would be printed as another value
 */
export function newKeyOf(value: Value, budget: Budget): Value {
  if (typeof value !== "boolean" && !(value instanceof Markup)) return keyOf(value, budget);
  throw new TemplateError(`uses a ${typeOf(value)} as the key of a dict, not known here`);
}
