import { TemplateError } from "../errors.js";
import { type Budget } from "./budget.js";
import { NamedArguments } from "./call-arguments.js";
import { equal, iterate, keyOf } from "./compare-values.js";
import { itemAt } from "./operators.js";
import { stringMethod } from "./string-methods.js";
import {
  type Arguments,
  Callable,
  type Dict,
  Float,
  isList,
  ObjectValue,
  Tuple,
  typeOf,
  Undefined,
  type Value,
  View,
} from "./values.js";

/** Methods that change their object; Transformers' sandbox refuses them, too. */
const CHANGING = new Map([
  ["list", ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]],
  ["dict", ["clear", "pop", "popitem", "setdefault", "update"]],
]);

/** Returns `object.name`: the attribute, else the item of that name, else an undefined value. */
export function attributeOf(object: Value, name: string, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  return (
    ownAttribute(object, name, budget) ?? itemOf(object, name, budget) ?? missing(object, name)
  );
}

/** Returns `object[key]`: the item, else the attribute of that name, else an undefined value. */
export function subscript(object: Value, key: Value, budget: Budget): Value {
  if (object instanceof Undefined) throw new TemplateError(object.problem);
  const item = itemOf(object, key, budget);
  if (item !== undefined) return item;
  const attribute = typeof key === "string" ? ownAttribute(object, key, budget) : undefined;
  return attribute ?? missing(object, key);
}

function missing(object: Value, key: Value): Undefined {
  const name = typeof key === "string" ? `'${key}'` : `a ${typeOf(key)}`;
  return new Undefined(`uses ${name} of a ${typeOf(object)}, which has none`);
}

function itemOf(object: Value, key: Value, budget: Budget): Value | undefined {
  if (object instanceof Map) {
    const isKey = ["string", "number", "boolean"].includes(typeof key) || key === null;
    return isKey ? object.get(keyOf(key)) : undefined;
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
  if (object instanceof Map) return dictMethod(object, name);
  if (object instanceof ObjectValue) return object.attribute(name);
  if (isList(object) || object instanceof Tuple) return listMethod(object, name, budget);
  if (object instanceof Float && name === "is_integer") {
    return new Callable(name, () => Number.isInteger(object.value));
  }
  return undefined;
}

function dictMethod(dict: Dict, name: string): Value | undefined {
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
    case "get":
      return method((args) => {
        const named = new NamedArguments(".get()", args, ["key", "default"]);
        return dict.get(keyOf(named.any("key"))) ?? named.optional("default") ?? null;
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
