import { TemplateError } from "../errors.js";
import { type Arguments, numberOf, plain, typeOf, type Value } from "./values.js";

/** The arguments of a filter, method or function by its parameters' names. */
export class NamedArguments {
  readonly #values: ReadonlyMap<string, Value>;

  /**
   * @param names  parameters in order
   * @throws TemplateError on an argument for another parameter
   */
  constructor(
    private readonly subject: string,
    args: Arguments,
    names: readonly string[],
  ) {
    if (args.positional.length > names.length) {
      throw new TemplateError(`gives ${subject} more than ${names.length} arguments`);
    }
    const values = new Map(args.positional.map((value, i) => [names[i] ?? "", value]));
    for (const [name, value] of args.named) {
      if (!names.includes(name) || values.has(name)) {
        throw new TemplateError(`gives ${subject} the argument ${name}, which is not known here`);
      }
      values.set(name, value);
    }
    this.#values = values;
  }

  /** Returns undefined if the argument is not given. */
  optional(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /** Returns the argument if it is given, None included, else the fallback. */
  orElse(name: string, fallback: Value): Value {
    const value = this.#values.get(name);
    return value === undefined ? fallback : value;
  }

  any(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new TemplateError(`gives ${this.subject} no ${name}`);
    return value;
  }

  /** Returns a text; null for None, or if it is not given and the fallback is null. */
  text<F extends string | null>(name: string, fallback: F): string | F {
    const given = this.#values.get(name);
    const value = given === undefined ? undefined : plain(given);
    if (value === undefined || (value === null && fallback === null)) return fallback;
    if (typeof value === "string") return value;
    throw new TemplateError(`gives ${this.subject} a ${typeOf(value)} as ${name}`);
  }

  int<F extends number | null>(name: string, fallback: F): number | F {
    const value = this.#values.get(name);
    if (value === undefined || (value === null && fallback === null)) return fallback;
    const number = typeof value === "boolean" || typeof value === "number" ? numberOf(value) : null;
    if (number !== null) return number;
    throw new TemplateError(`gives ${this.subject} a ${typeOf(value)} as ${name}`);
  }
}
