import { type Value } from "./values.js";

/** Names and their values: those of a block, and behind them those of the blocks around it. */
export class Scope {
  readonly #values = new Map<string, Value>();

  constructor(private readonly outer: Scope | null) {}

  get(name: string): Value | undefined {
    const own = this.#values.get(name);
    return own === undefined && this.outer !== null ? this.outer.get(name) : own;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
