import { TemplateError } from "../errors.js";
import { subscript } from "./attributes.js";
import type { Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { compare, equal, iterate, keyOf } from "./compare-values.js";
import { binary } from "./operators.js";
import { TESTS } from "./value-tests.js";
import {
  type Arguments,
  Generator,
  Group,
  isList,
  Markup,
  plain,
  truthy,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

type SequenceFilter = (input: Value, args: Arguments, budget: Budget) => Value;

/** Returns a function that reads an attribute path such as `a.b.0` from an item. */
export function attributeGetter(path: Value, budget: Budget): (item: Value) => Value {
  if (typeof path !== "string" && typeof path !== "number") {
    throw new TemplateError(`takes an attribute that is a ${typeOf(path)}`);
  }
  const keys =
    typeof path === "number"
      ? [path]
      : path.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return (item) => keys.reduce<Value>((value, key) => subscript(value, key, budget), item);
}

function choosing(keep: boolean, byAttribute: boolean): SequenceFilter {
  return (input, { positional, named }, budget) => {
    if (!truthy(input)) return new Generator([]);
    const [attribute] = positional;
    if (byAttribute && attribute === undefined) throw new TemplateError("chooses by no attribute");
    const get = byAttribute ? attributeGetter(attribute ?? null, budget) : (item: Value) => item;
    const [name, ...rest] = positional.slice(byAttribute ? 1 : 0);
    const test = name === undefined ? truthy : testNamed(name, { positional: rest, named }, budget);
    const items = iterate(input, budget);
    return new Generator(items.filter((item) => test(get(item)) === keep));
  };
}

function testNamed(name: Value, args: Arguments, budget: Budget): (value: Value) => boolean {
  const test = typeof name === "string" ? TESTS.get(name) : undefined;
  if (test === undefined)
    throw new TemplateError(
      `uses the test ${typeof name === "string" ? name : typeOf(name)}, not known here`,
    );
  return (value) => {
    budget.spend();
    return test(value, args, budget);
  };
}

/** Folds case, unless the comparison is case sensitive or the value is no text. */
function sortKey(given: Value, caseSensitive: boolean): Value {
  const value = plain(given);
  return typeof value === "string" && !caseSensitive ? value.toLowerCase() : value;
}

function sorted(
  items: readonly Value[],
  options: { key: (item: Value) => Value; reverse: boolean; budget: Budget },
): Value[] {
  const { key, reverse, budget } = options;
  const keyed = items.map((item) => ({ item, key: key(item) }));
  // Equal items keep their order, also in a reversed sort.
  keyed.sort((a, b) => (reverse ? compare(b.key, a.key, budget) : compare(a.key, b.key, budget)));
  return keyed.map(({ item }) => item);
}

const sort: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter sort", args, [
    "reverse",
    "case_sensitive",
    "attribute",
  ]);
  const attribute = named.optional("attribute") ?? null;
  const getters =
    typeof attribute === "string"
      ? attribute.split(",").map((one) => attributeGetter(one, budget))
      : attribute === null
        ? []
        : [attributeGetter(attribute, budget)];
  const isSensitive = truthy(named.optional("case_sensitive") ?? false);
  const key = (item: Value) =>
    getters.length === 0
      ? sortKey(item, isSensitive)
      : getters.map((get) => sortKey(get(item), isSensitive));
  const reverse = truthy(named.optional("reverse") ?? false);
  return sorted(iterate(input, budget), { key, reverse, budget });
};

const dictsort: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter dictsort", args, [
    "case_sensitive",
    "by",
    "reverse",
  ]);
  if (!(input instanceof Map)) throw new TemplateError(`sorts a ${typeOf(input)} as a dict`);
  const by = named.text("by", "key");
  if (by !== "key" && by !== "value") throw new TemplateError(`sorts a dict by ${by}`);
  const isSensitive = truthy(named.optional("case_sensitive") ?? false);
  const key = (item: Value) =>
    sortKey((item as Tuple).items[by === "key" ? 0 : 1] ?? null, isSensitive);
  const reverse = truthy(named.optional("reverse") ?? false);
  const entries = [...input].map((entry) => new Tuple(entry));
  return sorted(entries, { key, reverse, budget });
};

function extreme(wantsLargest: boolean): SequenceFilter {
  return (input, args, budget) => {
    const named = new NamedArguments("the filter", args, ["case_sensitive", "attribute"]);
    const isSensitive = truthy(named.optional("case_sensitive") ?? false);
    const attribute = named.optional("attribute") ?? null;
    const get = attribute === null ? (item: Value) => item : attributeGetter(attribute, budget);
    let best: { item: Value; key: Value } | null = null;
    for (const item of iterate(input, budget)) {
      const key = sortKey(get(item), isSensitive);
      const order = best === null ? -1 : compare(key, best.key, budget);
      if (wantsLargest ? best === null || order > 0 : order < 0) best = { item, key };
    }
    return best === null ? new Undefined("takes an extreme of nothing") : best.item;
  };
}

const sum: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter sum", args, ["attribute", "start"]);
  const attribute = named.optional("attribute") ?? null;
  const get = attribute === null ? (item: Value) => item : attributeGetter(attribute, budget);
  const start = named.orElse("start", 0);
  if (typeof start === "string") throw new TemplateError("sums texts");
  return iterate(input, budget).reduce<Value>(
    (total, item) => binary("+", total, get(item), budget),
    start,
  );
};

const unique: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter unique", args, ["case_sensitive", "attribute"]);
  const isSensitive = truthy(named.optional("case_sensitive") ?? false);
  const attribute = named.optional("attribute") ?? null;
  const get = attribute === null ? (item: Value) => item : attributeGetter(attribute, budget);
  const seen = new Set<Value>();
  return new Generator(
    iterate(input, budget).filter((item) => {
      const key = keyOf(sortKey(get(item), isSensitive), budget);
      return !seen.has(key) && seen.add(key);
    }),
  );
};

const groupby: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter groupby", args, ["attribute", "default"]);
  const get = attributeGetter(named.any("attribute"), budget);
  const fallback = named.optional("default") ?? null;
  const key = (item: Value) => {
    const value = get(item);
    return value instanceof Undefined && fallback !== null ? fallback : value;
  };
  const groups: { name: Value; fold: Value; items: Value[] }[] = [];
  const options = { key: (item: Value) => sortKey(key(item), false), reverse: false, budget };
  for (const item of sorted(iterate(input, budget), options)) {
    const fold = sortKey(key(item), false);
    const last = groups.at(-1);
    if (last !== undefined && equal(last.fold, fold, budget)) last.items.push(item);
    else groups.push({ name: key(item), fold, items: [item] });
  }
  return groups.map(({ name, items }) => new Group(name, items));
};

const batch: SequenceFilter = (input, args, budget) => {
  const named = new NamedArguments("the filter batch", args, ["linecount", "fill_with"]);
  const size = named.int("linecount", 0);
  if (size < 1) throw new TemplateError(`makes batches of ${size}`);
  const fill = named.optional("fill_with") ?? null;
  const items = iterate(input, budget);
  const batches: Value[] = [];
  for (let i = 0; i < items.length; i += size) {
    const one = items.slice(i, i + size);
    if (fill !== null) {
      budget.spend(size / 16);
      while (one.length < size) one.push(fill);
    }
    batches.push(one);
  }
  return new Generator(batches);
};

const reverse: SequenceFilter = (input, _args, budget) => {
  if (input instanceof Undefined) throw new TemplateError(input.problem);
  if (input instanceof Generator) throw new TemplateError("reverses a generator");
  const items = [...iterate(input, budget)].reverse();
  if (typeof input === "string") return (items as string[]).join("");
  if (input instanceof Markup) return new Markup((items as string[]).join(""));
  const isSequence = isList(input) || input instanceof Tuple || input instanceof View;
  if (!isSequence && !(input instanceof Map))
    throw new TemplateError(`reverses a ${typeOf(input)}`);
  return new Generator(items);
};

/** Filters of lists, dicts and other iterables. */
export const SEQUENCE_FILTERS: readonly (readonly [string, SequenceFilter])[] = [
  ["select", choosing(true, false)],
  ["reject", choosing(false, false)],
  ["selectattr", choosing(true, true)],
  ["rejectattr", choosing(false, true)],
  ["sort", sort],
  ["dictsort", dictsort],
  ["min", extreme(false)],
  ["max", extreme(true)],
  ["sum", sum],
  ["unique", unique],
  ["groupby", groupby],
  ["batch", batch],
  ["reverse", reverse],
];
