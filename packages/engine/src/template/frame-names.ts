/**
 * Which names a frame of a template owns before they have a value, as Jinja decides when it compiles
 * the template.
 *
 * - A template, a loop's body, a macro and every other block with names of its own is a frame.
 * - A frame that sets a name before it reads it, outside of inner frames, owns the name from its
 *   start. An inner frame that reads the name earlier finds nothing: neither a variable that was
 *   given, nor a global.
 * - If an enclosing frame uses the name as well, reads go there instead.
 */
import type { Body, CallArguments, Expression, Target } from "./syntax-tree.js";

/** What a frame uses before its body. */
export interface FrameStart {
  readonly own?: readonly string[];
  readonly defaults?: readonly (Expression | null)[];
}

/** The first use of each name in a frame, and in those around it. */
export class FrameNames {
  readonly #first: ReadonlyMap<string, Use>;

  private constructor(
    uses: Uses,
    private readonly outer: FrameNames | null,
  ) {
    this.#first = uses.first;
  }

  /**
   * @param own       names that the frame gives values at its start, such as parameters
   * @param defaults  of its parameters
   */
  static of(
    body: Body,
    outer: FrameNames | null,
    { own = [], defaults = [] }: FrameStart = {},
  ): FrameNames {
    const uses = new Uses();
    for (const name of own) uses.add(name, "read");
    for (const expression of defaults) uses.read(expression);
    uses.addBody(body);
    return new FrameNames(uses, outer);
  }

  /** Returns whether a name has no value in this frame before the frame has set it. */
  owns(name: string): boolean {
    return this.#first.get(name) === "set" && this.outer?.uses(name) !== true;
  }

  private uses(name: string): boolean {
    return this.#first.has(name) || this.outer?.uses(name) === true;
  }
}

type Use = "read" | "set";

/** Collects the uses of names in the order of the source. */
class Uses {
  readonly first = new Map<string, Use>();

  add(name: string, use: Use): void {
    if (!this.first.has(name)) this.first.set(name, use);
  }

  addBody(body: Body): void {
    for (const statement of body) {
      switch (statement.type) {
        case "print":
          this.read(statement.value);
          break;
        case "if":
          for (const [condition] of statement.branches) this.read(condition);
          this.#addBranches([...statement.branches.map(([, one]) => one), statement.otherwise]);
          break;
        case "for":
          this.read(statement.items);
          break;
        case "set":
          this.read(statement.value);
          this.#set(statement.target);
          break;
        case "set-block":
          this.#set(statement.target);
          break;
        case "macro":
          this.add(statement.name, "set");
          break;
        case "call-block":
          this.read(statement.call);
          break;
        case "filter-block":
          this.read(statement.filter);
          break;
        case "with":
          for (const [, value] of statement.values) this.read(value);
          break;
        case "text":
        case "scope":
        case "break":
        case "continue":
          break;
        default:
          statement satisfies never;
      }
    }
  }

  /** A name that only some branches set may still be one that was given. */
  #addBranches(bodies: readonly Body[]): void {
    const branches = bodies.map((body) => {
      const branch = new Uses();
      branch.addBody(body);
      return branch.first;
    });
    const names = new Set(branches.flatMap((branch) => [...branch.keys()]));
    for (const name of names) {
      const isSet = branches.every((branch) => branch.get(name) === "set");
      this.add(name, isSet ? "set" : "read");
    }
  }

  #set(target: Target): void {
    if (target.type === "name") this.add(target.name, "set");
    else if (target.type === "field") this.add(target.object, "read");
    else for (const item of target.items) this.#set(item);
  }

  read(expression: Expression | null): void {
    if (expression === null) return;
    if (expression.type === "name") this.add(expression.name, "read");
    for (const part of partsOf(expression)) this.read(part);
  }
}

/** Returns the names to which a target gives values. */
export function namesOf(target: Target): readonly string[] {
  if (target.type === "name") return [target.name];
  return target.type === "tuple" ? target.items.flatMap(namesOf) : [];
}

function partsOf(expression: Expression): readonly (Expression | null)[] {
  switch (expression.type) {
    case "constant":
    case "name":
      return [];
    case "list":
    case "tuple":
      return expression.items;
    case "dict":
      return expression.entries.flat();
    case "attribute":
      return [expression.object];
    case "item":
      return [expression.object, expression.key];
    case "slice":
      return [expression.object, ...expression.bounds];
    case "call":
      return [expression.callee, ...partsOfArguments(expression.args)];
    case "filter":
    case "test":
      return [expression.input, ...partsOfArguments(expression.args)];
    case "not":
    case "sign":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "compare":
      return [expression.first, ...expression.rest.map(([, one]) => one)];
    case "choice":
      return [expression.condition, expression.yes, expression.no];
  }
  return expression satisfies never;
}

function partsOfArguments(args: CallArguments): readonly (Expression | null)[] {
  const named = args.named.map(([, value]) => value);
  return [...args.positional, ...named, args.spread, args.spreadNamed];
}
