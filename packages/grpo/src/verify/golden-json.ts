import { GoldenFormatError } from "../errors.js";

/**
 * A value of a JSON file with its path, so that errors name the field.
 *
 * Not a schema: a check reads the fields that its kind of case needs, and ignores all others.
 */
export class GoldenJson {
  constructor(
    readonly value: unknown,
    readonly path: string,
  ) {}

  /** Returns a field. @throws GoldenFormatError when it is missing */
  field(name: string): GoldenJson {
    const field = this.record()[name];
    if (field === undefined) throw new GoldenFormatError(`${this.path}.${name}`, "is missing");
    return new GoldenJson(field, `${this.path}.${name}`);
  }

  /** Returns whether a field exists. */
  has(name: string): boolean {
    return this.record()[name] !== undefined;
  }

  keys(): string[] {
    return Object.keys(this.record());
  }

  items(): GoldenJson[] {
    if (!Array.isArray(this.value)) throw new GoldenFormatError(this.path, "must be a list");
    return this.value.map((item, i) => new GoldenJson(item, `${this.path}[${i}]`));
  }

  number(): number {
    if (typeof this.value !== "number") throw new GoldenFormatError(this.path, "must be a number");
    return this.value;
  }

  text(): string {
    if (typeof this.value !== "string") throw new GoldenFormatError(this.path, "must be a text");
    return this.value;
  }

  /** Reads a list of numbers; nested lists are flattened, and null is NaN. */
  numbers(): number[] {
    return this.items().flatMap((item) => {
      if (Array.isArray(item.value)) return item.numbers();
      return item.value === null ? NaN : item.number();
    });
  }

  numberLists(): number[][] {
    return this.items().map((item) => item.numbers());
  }

  private record(): Record<string, unknown> {
    if (this.value === null || typeof this.value !== "object" || Array.isArray(this.value)) {
      throw new GoldenFormatError(this.path, "must be an object");
    }
    return this.value as Record<string, unknown>;
  }
}
