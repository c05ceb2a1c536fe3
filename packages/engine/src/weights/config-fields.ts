import { shownValue } from "@gumshoe/core";

import { ModelConfigError } from "../errors.js";

/** Greatest number of layers; the largest published models have some 130. */
export const MAX_LAYERS = 1024;
/** Greatest number of ids in one field; published models have up to ten. */
const MAX_IDS = 1000;

/** Reads and checks the fields of a `config.json`, one by one; `null` counts as absent. */
export class ConfigFields {
  private constructor(
    private readonly fields: Readonly<Record<string, unknown>>,
    private readonly path: string,
  ) {}

  /** @throws ModelConfigError when `json` is not an object */
  static of(json: unknown, path = ""): ConfigFields {
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw new ModelConfigError(path === "" ? "the whole" : path, "is not a JSON object");
    }
    return new ConfigFields(json as Record<string, unknown>, path);
  }

  /** Names of all fields, known or not. */
  names(): string[] {
    return Object.keys(this.fields);
  }

  /** Returns the unchecked value; `undefined` if it is absent or null. */
  raw(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? (this.fields[name] ?? undefined) : undefined;
  }

  /** Returns the object in a field, or null if it is absent. */
  object(name: string): ConfigFields | null {
    const value = this.raw(name);
    return value === undefined ? null : ConfigFields.of(value, this.full(name));
  }

  /** Reads an integer from 1 to `most`. */
  size(name: string, options: { fallback?: number; most?: number } = {}): number {
    const value = this.number(name, options.fallback);
    const most = options.most ?? Number.MAX_SAFE_INTEGER;
    if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
    const limit = options.most === undefined ? "of at least 1" : `from 1 to ${most}`;
    throw new ModelConfigError(this.full(name), `is ${value}, not an integer ${limit}`);
  }

  /** Reads an integer of at least 0. */
  count(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new ModelConfigError(this.full(name), `is ${value}, not an integer of at least 0`);
  }

  /** Reads a finite number above 0. */
  positive(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (Number.isFinite(value) && value > 0) return value;
    throw new ModelConfigError(this.full(name), `is ${value}, not a number above 0`);
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "boolean") return value;
    throw new ModelConfigError(this.full(name), `is ${shownValue(value)}, not true or false`);
  }

  /** Reads one token id or a list of them; returns an empty list if the field is absent. */
  ids(name: string): number[] {
    const value = this.raw(name) ?? [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    if (ids.length > MAX_IDS) {
      throw new ModelConfigError(this.full(name), `lists ${ids.length} ids; ${MAX_IDS} are taken`);
    }
    return ids.map((id) => {
      if (Number.isSafeInteger(id) && (id as number) >= 0) return id as number;
      throw new ModelConfigError(this.full(name), `holds ${shownValue(id)}, not a token id`);
    });
  }

  full(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  private number(name: string, fallback?: number): number {
    const value = this.raw(name) ?? fallback;
    if (value === undefined) throw new ModelConfigError(this.full(name), "is missing");
    if (typeof value === "number") return value;
    throw new ModelConfigError(this.full(name), `is ${shownValue(value)}, not a number`);
  }
}
