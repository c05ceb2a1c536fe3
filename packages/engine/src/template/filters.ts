import { TemplateError } from "../errors.js";
import { subscript } from "./attributes.js";
import type { Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { iterate, lengthOf } from "./compare-values.js";
import { itemAt } from "./operators.js";
import { formatPercent } from "./percent-format.js";
import { attributeGetter, SEQUENCE_FILTERS } from "./sequence-filters.js";
import { TEXT_FILTERS } from "./text-filters.js";
import { toJson } from "./to-json.js";
import {
  type Arguments,
  defined,
  Float,
  Generator,
  isList,
  Markup,
  numberOf,
  plain,
  truthy,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** Implementation of a Jinja filter. */
export type Filter = (input: Value, args: Arguments, budget: Budget) => Value;

/** Implementation of a filter with named parameters. */
export type NamedFilter = (input: Value, args: NamedArguments, budget: Budget) => Value;

function filter(name: string, parameters: readonly string[], compute: NamedFilter) {
  const run: Filter = (input, args, budget) =>
    compute(input, new NamedArguments(`the filter ${name}`, args, parameters), budget);
  return [name, run] as const;
}

const DEFAULT: NamedFilter = (input, args) => {
  const replaces =
    input instanceof Undefined || (truthy(args.optional("boolean") ?? false) && !truthy(input));
  return replaces ? args.orElse("default_value", "") : input;
};

const LENGTH: NamedFilter = (input, _args, budget) => lengthOf(input, budget);

/** The filters that a template may use, by name. */
export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  filter("default", ["default_value", "boolean"], DEFAULT),
  filter("d", ["default_value", "boolean"], DEFAULT),
  filter("length", [], LENGTH),
  filter("count", [], LENGTH),
  filter("abs", [], (input) => absolute(input)),
  filter("int", ["default", "base"], (input, args, budget) => toInt(input, args, budget)),
  filter("float", ["default"], (input, args, budget) => toFloat(input, args, budget)),
  filter("round", ["precision", "method"], (input, args) => round(input, args)),
  filter("first", [], (input, _args, budget) => {
    const [first] = iterate(input, budget);
    return first === undefined ? new Undefined("takes the first of nothing") : first;
  }),
  filter("last", [], (input, _args, budget) => last(input, budget)),
  filter("list", [], (input, _args, budget) => [...iterate(input, budget)]),
  filter("items", [], (input) => items(input)),
  filter("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], writeJson),
  ["map", (input, args, budget) => map(input, args, budget)],
  ["format", (input, args, budget) => format(input, args, budget)],
  ...TEXT_FILTERS.map(([name, parameters, run]) => filter(name, parameters, run)),
  ...SEQUENCE_FILTERS,
]);

/** Applies `map`: an attribute of each item, or a filter for each. */
function map(input: Value, { positional, named }: Arguments, budget: Budget): Value {
  // Jinja goes through nothing that is false: neither None nor 0 is an error.
  if (!truthy(input)) return new Generator([]);
  const items = iterate(input, budget);
  const attribute = named.get("attribute");
  if (positional.length === 0 && attribute !== undefined) {
    const get = attributeGetter(attribute, budget);
    // `default=None` counts as no default.
    const fallback = named.get("default") ?? null;
    return new Generator(
      items.map((item) => {
        const value = get(item);
        return value instanceof Undefined && fallback !== null ? fallback : value;
      }),
    );
  }
  const [name, ...rest] = positional;
  const filter = typeof name === "string" ? FILTERS.get(name) : undefined;
  if (filter === undefined) {
    throw new TemplateError(
      `maps by ${typeof name === "string" ? `the filter ${name}` : "what is no filter"}, not known here`,
    );
  }
  return new Generator(items.map((item) => filter(item, { positional: rest, named }, budget)));
}

function format(input: Value, args: Arguments, budget: Budget): Value {
  if (typeof input !== "string") throw new TemplateError(`formats a ${typeOf(input)}`);
  const values =
    args.named.size > 0 ? new Map<Value, Value>(args.named) : new Tuple(args.positional);
  return formatPercent(input, values, budget);
}

function last(input: Value, budget: Budget): Value {
  if (input instanceof Generator) throw new TemplateError("takes the last of a generator");
  const sequence = input instanceof Map || input instanceof View ? iterate(input, budget) : input;
  if (lengthOf(defined(sequence), budget) === 0) return new Undefined("takes the last of nothing");
  const item =
    input instanceof Markup ? subscript(input, -1, budget) : itemAt(sequence, -1, budget);
  return item === undefined ? new Undefined("takes the last of nothing") : item;
}

function items(input: Value): Value {
  if (input instanceof Undefined) return new Generator([]);
  if (!(input instanceof Map))
    throw new TemplateError(`goes through the items of a ${typeOf(input)}`);
  return new Generator([...input].map((entry) => new Tuple(entry)));
}

function absolute(input: Value): Value {
  const number = numberOf(defined(input));
  if (number === null) throw new TemplateError(`takes the absolute value of a ${typeOf(input)}`);
  return input instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
}

const INT = /^\s*[-+]?\d+(?:_\d+)*\s*$/;
// Digits after the point are matched only if there is a point; otherwise a long number could be split at each
// digit.
const FLOAT = /^\s*[-+]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+)(?:[eE][-+]?\d+)?\s*$/;

/** Infinities, and digits of other scripts. */
const OTHER_NUMBER = /^\s*[-+]?(?:inf|infinity|nan)\s*$|(?![0-9])\p{Nd}/iu;

function toInt(input: Value, args: NamedArguments, budget: Budget): Value {
  if (args.int("base", 10) !== 10) throw new TemplateError("uses the filter int with a base");
  const number = toNumber(input, budget);
  if (number === null) return args.orElse("default", 0);
  if (!Number.isFinite(number)) throw new TemplateError("makes an integer of what is not finite");
  const whole = Math.trunc(number);
  if (!Number.isSafeInteger(whole)) throw new TemplateError("reads an integer beyond 2^53");
  return whole === 0 ? 0 : whole;
}

function toFloat(input: Value, args: NamedArguments, budget: Budget): Value {
  const number = toNumber(input, budget);
  return number === null ? args.orElse("default", new Float(0)) : new Float(number);
}

/** Parses a number as Python's `float` does; returns null if it is none. */
function toNumber(input: Value, budget: Budget): number | null {
  const value = plain(defined(input));
  if (typeof value !== "string") return numberOf(value);
  budget.text(value);
  if (INT.test(value) || FLOAT.test(value)) return Number(value.replaceAll("_", ""));
  if (OTHER_NUMBER.test(value)) {
    throw new TemplateError(`reads ${JSON.stringify(value.slice(0, 40))} as a number`);
  }
  return null;
}

/** Python rounds halves to even, and its filter always returns a float. */
function round(input: Value, args: NamedArguments): Value {
  const number = numberOf(defined(input));
  if (number === null) throw new TemplateError(`rounds a ${typeOf(input)}`);
  const precision = args.int("precision", 0);
  const method = args.text("method", "common");
  if (precision !== 0 || !["common", "ceil", "floor"].includes(method)) {
    throw new TemplateError("uses the filter round with a precision, not known here");
  }
  if (method === "ceil") return new Float(Math.ceil(number));
  if (method === "floor") return new Float(Math.floor(number));
  const below = Math.floor(number);
  const isHalf = number - below === 0.5;
  const rounded = isHalf ? below + (Math.abs(below) % 2) : Math.round(number);
  return input instanceof Float ? new Float(rounded) : rounded;
}

function writeJson(input: Value, args: NamedArguments, budget: Budget): Value {
  const indent = args.optional("indent") ?? null;
  const separators = args.optional("separators") ?? null;
  const isText = (value: unknown): value is string => typeof value === "string";
  if (indent !== null && typeof indent !== "string" && typeof indent !== "number") {
    throw new TemplateError(`gives the filter tojson a ${typeOf(indent)} as indent`);
  }
  if (typeof indent === "number" && indent > 1000) {
    throw new TemplateError(`gives the filter tojson an indent of ${indent}`);
  }
  const pair = separators instanceof Tuple ? separators.items : separators;
  const [item, key] = isList(pair ?? null) ? (pair as readonly Value[]) : [];
  if (separators !== null && !(isText(item) && isText(key))) {
    throw new TemplateError("gives the filter tojson separators that are no pair of texts");
  }
  const style = {
    ensureAscii: truthy(args.optional("ensure_ascii") ?? false),
    indent: typeof indent === "number" ? " ".repeat(Math.max(0, indent)) : indent,
    separators: [isText(item) ? item : indent === null ? ", " : ",", isText(key) ? key : ": "],
    sortKeys: truthy(args.optional("sort_keys") ?? false),
  } as const;
  return toJson(input, style, budget);
}
