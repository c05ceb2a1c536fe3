import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { compare, contains, equal, sameText } from "./compare-values.js";
import { isLower, isUpper, textOf } from "./python-text.js";
import {
  type Arguments,
  Callable,
  defined,
  Float,
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

/** Implementation of a Jinja test, the name after `is`. */
export type Test = (input: Value, args: Arguments, budget: Budget) => boolean;

function alone(name: string, holds: (value: Value) => boolean): [string, Test] {
  return [
    name,
    (input, { positional, named }) => {
      if (positional.length + named.size > 0) {
        throw new TemplateError(`gives the test ${name} an argument`);
      }
      return holds(input);
    },
  ];
}

function withOther(
  names: readonly string[],
  holds: (value: Value, other: Value, budget: Budget) => boolean,
): [string, Test][] {
  return names.map((name) => [
    name,
    (input, { positional, named }, budget) => {
      const [other] = positional;
      if (other === undefined || positional.length + named.size > 1) {
        throw new TemplateError(`gives the test ${name} not one argument`);
      }
      return holds(input, other, budget);
    },
  ]);
}

const isText = (value: Value) => typeof plain(value) === "string";

const isIterable = (value: Value) =>
  isText(value) ||
  isList(value) ||
  value instanceof Tuple ||
  value instanceof Map ||
  value instanceof View ||
  value instanceof Generator ||
  value instanceof Undefined ||
  (value instanceof ObjectValue && value.typeName === "LoopContext");

/** Returns whether Jinja counts a value as a sequence: it has a length and items by key. */
const isSequence = (value: Value) =>
  isText(value) ||
  isList(value) ||
  value instanceof Tuple ||
  value instanceof Map ||
  value instanceof Undefined ||
  (value instanceof View && value.typeName === "range");

/** The tests that a template may use, by name. */
export const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  alone("defined", (value) => !(value instanceof Undefined)),
  alone("undefined", (value) => value instanceof Undefined),
  alone("none", (value) => value === null),
  alone("boolean", (value) => typeof value === "boolean"),
  alone("true", (value) => value === true),
  alone("false", (value) => value === false),
  alone("integer", (value) => typeof value === "number"),
  alone("float", (value) => value instanceof Float),
  alone("number", (value) => numberOf(value) !== null),
  alone("string", isText),
  alone("mapping", (value) => value instanceof Map),
  alone("iterable", isIterable),
  alone("sequence", isSequence),
  alone("callable", (value) => value instanceof Callable || value instanceof Undefined),
  alone("odd", (value) => remainder(value, 2) === 1),
  alone("even", (value) => remainder(value, 2) === 0),
  alone("escaped", (value) => value instanceof Markup),
  ["upper", (value, _args, budget) => isUpper(textOf(value, budget))],
  ["lower", (value, _args, budget) => isLower(textOf(value, budget))],
  ...withOther(["eq", "equalto", "=="], equal),
  ...withOther(["ne", "!="], (value, other, budget) => !equal(value, other, budget)),
  ...withOther(
    ["lt", "lessthan", "<"],
    (value, other, budget) => compare(value, other, budget) < 0,
  ),
  ...withOther(["le", "<="], (value, other, budget) => compare(value, other, budget) <= 0),
  ...withOther(["gt", "greaterthan", ">"], (a, b, budget) => compare(a, b, budget) > 0),
  ...withOther(["ge", ">="], (value, other, budget) => compare(value, other, budget) >= 0),
  ...withOther(["in"], (value, other, budget) => contains(other, value, budget)),
  ...withOther(["sameas"], isSame),
  ...withOther(["divisibleby"], (value, other) => {
    const by = numberOf(other);
    if (by === null || by === 0) throw new TemplateError("divides by what is no number, or by 0");
    return remainder(value, by) === 0;
  }),
]);

/** Python's `is`; whether two equal numbers or texts are the same object depends on how they were made. */
function isSame(value: Value, other: Value, budget: Budget): boolean {
  const areEqual =
    typeof value === "string" && typeof other === "string"
      ? sameText(value, other, budget)
      : value === other;
  const isCopied = [value, other].every((one) => ["string", "number"].includes(typeof one));
  if (!isCopied || !areEqual) return areEqual;
  throw new TemplateError(`asks whether two equal ${typeOf(value)} are one, not known here`);
}

function remainder(value: Value, by: number): number {
  const number = numberOf(defined(value));
  if (number === null) throw new TemplateError(`divides a ${typeOf(value)}`);
  return number - by * Math.floor(number / by);
}
