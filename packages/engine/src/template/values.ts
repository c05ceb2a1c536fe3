import { TemplateError } from "../errors.js";

/** A Python float. Plain numbers are ints here, so that 1.0 and 1 are printed as Python prints them. */
export class Float {
  constructor(readonly value: number) {}
}

/** The value of an unknown name or attribute; most uses of it are an error. */
export class Undefined {
  constructor(readonly problem: string) {}
}

/** Markup, the result of the filters `safe` and `escape`: texts that are concatenated with it are escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A Python tuple. */
export class Tuple {
  constructor(readonly items: readonly Value[]) {}
}

/** A pair of the filter `groupby`. */
export class Group extends Tuple {
  constructor(
    readonly grouper: Value,
    readonly list: readonly Value[],
  ) {
    super([grouper, list]);
  }
}

/** An iterable that is no list: a range, or the keys, values or items of a dict. */
export class View {
  constructor(
    readonly typeName: "range" | "dict_keys" | "dict_values" | "dict_items",
    readonly items: readonly Value[],
  ) {}
}

/** A Python generator, as returned by filters such as `map` and `select`; it can be iterated once. */
export class Generator {
  #items: readonly Value[] | null;

  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  take(): readonly Value[] {
    const items = this.#items ?? [];
    this.#items = null;
    return items;
  }
}

/** A Python dict, in the order of insertion. */
export type Dict = Map<Value, Value>;

/** Arguments of a call. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A function, macro or method. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Arguments) => Value,
  ) {}
}

/** An object with named attributes, such as `loop`. */
export class ObjectValue {
  /**
   * @param typeName   as Python names its class
   * @param attribute  undefined for one that does not exist
   */
  constructor(
    readonly typeName: string,
    readonly attribute: (name: string) => Value | undefined,
  ) {}
}

/** The one object whose attributes a template can set. */
export class Namespace extends ObjectValue {
  constructor(readonly fields: Map<string, Value>) {
    super("Namespace", (name) => fields.get(name));
  }
}

/** Any value of a template; `number` is an int, `null` is None, an array is a list. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Undefined
  | Markup
  | readonly Value[]
  | Tuple
  | View
  | Generator
  | Dict
  | Callable
  | ObjectValue;

/** Returns whether a value is a Python list. */
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Returns Python's name of a value's type, for messages. */
export function typeOf(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (value instanceof Float) return "float";
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Markup) return "Markup";
  if (value instanceof Tuple) return "tuple";
  if (value instanceof Map) return "dict";
  if (value instanceof View) return value.typeName;
  if (value instanceof Generator) return "generator";
  if (value instanceof Callable) return "function";
  if (value instanceof ObjectValue) return value.typeName;
  return "list";
}

/** Converts JSON to values as Python's `json` does, except that 1.0 becomes an int. */
export function fromJson(json: unknown): Value {
  if (json === null || typeof json === "boolean" || typeof json === "string") return json;
  if (typeof json === "number") return Number.isSafeInteger(json) ? json : new Float(json);
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json === "object") {
    const keys = Object.keys(json);
    const number = keys.length > 1 ? keys.find((key) => /^(?:0|[1-9]\d{0,9})$/.test(key)) : null;
    if (typeof number === "string") {
      throw new TemplateError(
        `cannot be given the key "${number}", whose place among others is lost`,
      );
    }
    return new Map(Object.entries(json).map(([key, value]) => [key, fromJson(value)]));
  }
  throw new TemplateError(`cannot be given a ${typeof json}`);
}

/** Returns the number in an int, float or bool; null for other values. */
export function numberOf(value: Value): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  return value instanceof Float ? value.value : null;
}

/** @throws TemplateError beyond the integers that JavaScript represents exactly */
export function exactInt(value: number): number {
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  throw new TemplateError("computes an integer beyond 2^53, which is not exact here");
}

/** Marks a text as markup. */
export function asMarkup(value: Value): Value {
  return typeof value === "string" ? new Markup(value) : value;
}

/** Returns the text of markup, and any other value unchanged. */
export function plain(value: Value): Exclude<Value, Markup> {
  return value instanceof Markup ? value.text : value;
}

/** @throws TemplateError when a value is undefined */
export function defined(value: Value): Value {
  if (value instanceof Undefined) throw new TemplateError(value.problem);
  return value;
}

/** Returns the result of Python's `bool`. */
export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === "string" || isList(value)) return value.length > 0;
  if (value instanceof Markup) return value.text !== "";
  if (value instanceof Map) return value.size > 0;
  if (value instanceof Tuple || value instanceof View) return value.items.length > 0;
  const number = numberOf(value);
  return number === null ? true : number !== 0;
}
