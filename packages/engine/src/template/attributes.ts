import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { equal, iterate, keyOf } from "./compare-values.js";
import { itemAt } from "./operators.js";
import { stringMethod } from "./string-methods.js";
import {
  asMarkup,
  type Arguments,
  Callable,
  type Dict,
  Float,
  Group,
  isList,
  Markup,
  ObjectValue,
  plain,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** Methods of `Markup` whose result is `Markup` again. */
const KEPT_BY_MARKUP = new Set([
  ...["strip", "lstrip", "rstrip", "upper", "lower", "title", "capitalize", "casefold"],
]);
/** Methods that mutate their object; Transformers' sandbox refuses them too. */
const CHANGING = new Map([
  ["list", ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]],
  ["dict", ["clear", "pop", "popitem", "setdefault", "update"]],
]);

const OF_NUMBERS = ["real", "imag", "conjugate", "as_integer_ratio", "is_integer", "from_number"];
const OF_INTEGERS = [
  ...OF_NUMBERS,
  ...["numerator", "denominator", "bit_length", "bit_count", "to_bytes", "from_bytes"],
];
const OF_VIEWS = ["mapping", "isdisjoint"];
const OF_GENERATORS = ["send", "throw", "close", "gi_frame", "gi_running", "gi_code"];

/** Attributes of Python's types that are not supported. */
const NOT_HERE = new Map([
  ["bool", OF_INTEGERS],
  ["int", OF_INTEGERS],
  ["float", [...OF_NUMBERS, "hex", "fromhex"]],
  ["range", ["start", "stop", "step", "count", "index"]],
  ["dict_keys", OF_VIEWS],
  ["dict_items", OF_VIEWS],
  ["dict_values", ["mapping"]],
  ["generator", [...OF_GENERATORS, "gi_yieldfrom", "gi_suspended"]],
  [
    "function",
    ["name", "arguments", "defaults", "catch_kwargs", "catch_varargs", "caller", "explicit_caller"],
  ],
]);

/** Returns `object.name`: the attribute, else the item of that name, else an undefined value. */
export function attributeOf(object: Value, name: string, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  const attribute = ownAttribute(object, name, budget);
  if (attribute !== undefined) return attribute;
  const item = itemOf(object, name, budget);
  // null here is Python's None, a value; a missing item is undefined.
  return item !== undefined ? item : missing(object, name);
}

/** Returns `object[key]`: the item, else the attribute of that name, else an undefined value. */
export function subscript(object: Value, givenKey: Value, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  const key = plain(givenKey);
  const item = itemOf(object, key, budget);
  if (item !== undefined) return item;
  const attribute = typeof key === "string" ? ownAttribute(object, key, budget) : undefined;
  return attribute !== undefined ? attribute : missing(object, key);
}

function missing(object: Value, key: Value): Undefined {
  const name = typeof key === "string" ? `'${key}'` : `a ${typeOf(key)}`;
  return new Undefined(`uses ${name} of a ${typeOf(object)}, which has none`);
}

function itemOf(object: Value, key: Value, budget: Budget): Value | undefined {
  if (object instanceof Map) {
    const isKey = ["string", "number", "boolean"].includes(typeof key) || key === null;
    return isKey ? object.get(keyOf(key, budget)) : undefined;
  }
  if (object instanceof Markup) {
    const item = itemOf(object.text, key, budget);
    return typeof item === "string" ? new Markup(item) : undefined;
  }
  const index = typeof key === "boolean" ? Number(key) : key;
  return typeof index === "number" ? itemAt(object, index, budget) : undefined;
}

function ownAttribute(object: Value, name: string, budget: Budget): Value | undefined {
  if (CHANGING.get(typeOf(object))?.includes(name) === true) {
    return new Callable(name, () => {
      throw new TemplateError(`changes a ${typeOf(object)} by .${name}(), which is not allowed`);
    });
  }
  if (name.startsWith("__")) {
    throw new TemplateError(`uses the attribute ${name}, which is not allowed`);
  }
  if (typeof object === "string") return stringMethod(object, name, budget);
  if (object instanceof Markup) return markupMethod(object, name, budget);
  if (object instanceof Map) return dictMethod(object, name, budget);
  if (object instanceof ObjectValue) return object.attribute(name);
  if (object instanceof Group && (name === "grouper" || name === "list")) return object[name];
  if (isList(object) || object instanceof Tuple) return listMethod(object, name, budget);
  if (object instanceof Float && name === "is_integer") {
    return new Callable(name, () => Number.isInteger(object.value));
  }
  if (NOT_HERE.get(typeOf(object))?.includes(name) === true) {
    throw new TemplateError(`uses ${name} of a ${typeOf(object)}, not known here`);
  }
  return undefined;
}

/** Methods of `str` that Python's `Markup` inherits unchanged; other methods escape their arguments. */
function markupMethod(markup: Markup, name: string, budget: Budget): Value | undefined {
  const method = stringMethod(markup.text, name, budget);
  if (method === undefined) return undefined;
  if (KEPT_BY_MARKUP.has(name)) {
    return new Callable(name, (args) => asMarkup(method.call(args)));
  }
  if (/^(?:is|starts|ends|r?find$|index$|count$)/.test(name)) return method;
  throw new TemplateError(`uses .${name}() of a text that is marked as safe, not known here`);
}

function dictMethod(dict: Dict, name: string, budget: Budget): Value | undefined {
  const method = (call: (args: Arguments) => Value) => new Callable(name, call);
  switch (name) {
    case "items":
      return method(
        () =>
          new View(
            "dict_items",
            [...dict].map((entry) => new Tuple(entry)),
          ),
      );
    case "keys":
      return method(() => new View("dict_keys", [...dict.keys()]));
    case "values":
      return method(() => new View("dict_values", [...dict.values()]));
    case "copy":
      return method(() => new Map(dict));
    case "fromkeys":
      throw new TemplateError("uses .fromkeys() of a dict, not known here");
    case "get":
      return method((args) => {
        const named = new NamedArguments(".get()", args, ["key", "default"]);
        const value = dict.get(keyOf(named.any("key"), budget));
        return value !== undefined ? value : named.orElse("default", null);
      });
    default:
      return undefined;
  }
}

function listMethod(list: Value, name: string, budget: Budget): Value | undefined {
  const items = iterate(list, budget);
  const method = (call: (item: Value) => Value) =>
    new Callable(name, (args) =>
      call(new NamedArguments(`.${name}()`, args, ["item"]).any("item")),
    );
  switch (name) {
    case "count":
      return method((item) => items.filter((other) => equal(other, item, budget)).length);
    case "index":
      return method((item) => {
        const index = items.findIndex((other) => equal(other, item, budget));
        if (index < 0) throw new TemplateError("looks for the place of an item that is not there");
        return index;
      });
    case "copy":
      return isList(list) ? new Callable(name, () => [...list]) : undefined;
    default:
      return undefined;
  }
}
