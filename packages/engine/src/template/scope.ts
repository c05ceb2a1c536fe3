import type { FrameNames } from "./frame-names.js";
import type { Value } from "./values.js";

/** Names and their values: those of a block, then those of the enclosing blocks. */
export class Scope {
  readonly #values = new Map<string, Value>();

  /** @param names  of the frame; null for variables that are given */
  constructor(
    private readonly outer: Scope | null,
    readonly names: FrameNames | null = null,
  ) {}

  get(name: string): Value | undefined {
    const own = this.#values.get(name);
    if (own !== undefined || this.outer === null) return own;
    return this.names?.owns(name) === true ? undefined : this.outer.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
