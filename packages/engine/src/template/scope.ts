import { type Value } from "./values.js";

/** Names and their values: those of a block, then those of the enclosing blocks. */
export class Scope {
  readonly #values = new Map<string, Value>();

  /** @param isGiven  true for the variables that the caller passes, which the template did not set */
  constructor(
    private readonly outer: Scope | null,
    private readonly isGiven = false,
  ) {}

  get(name: string): Value | undefined {
    const own = this.#values.get(name);
    return own === undefined && this.outer !== null ? this.outer.get(name) : own;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  /** Returns whether the template itself has set a name. */
  isAssigned(name: string): boolean {
    if (this.isGiven) return false;
    return this.#values.has(name) || this.outer?.isAssigned(name) === true;
  }
}
