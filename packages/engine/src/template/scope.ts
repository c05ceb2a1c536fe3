import { type Value } from "./values.js";

/** Names and their values: those of a block, and behind them those of the blocks around it. */
export class Scope {
  readonly #values = new Map<string, Value>();

  /** @param isGiven  true for variables that the template is given, and does not set itself */
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

  /** Says whether the template itself has given a value to a name. */
  isAssigned(name: string): boolean {
    if (this.isGiven) return false;
    return this.#values.has(name) || this.outer?.isAssigned(name) === true;
  }
}
