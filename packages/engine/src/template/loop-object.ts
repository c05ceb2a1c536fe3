import { TemplateError } from "../errors.js";
import type { Budget } from "./budget.js";
import { equal } from "./compare-values.js";
import { Callable, ObjectValue, Tuple, Undefined, type Value } from "./values.js";

/** State of a loop. */
export interface LoopState {
  readonly items: readonly Value[];
  /** Counted from 0. */
  index: number;
  /** Number of enclosing loops of the same recursive `for`. */
  readonly depth: number;
  /** Renders the loop body for other items; null unless the loop is recursive. */
  readonly again: ((items: Value) => string) | null;
}

/** Creates the `loop` variable of a `for`; its attributes follow `state`. */
export function loopObject(state: LoopState, budget: Budget): ObjectValue {
  let last: Value | undefined;
  const changed = new Callable("changed", ({ positional }) => {
    const values = new Tuple(positional);
    const isSame = last !== undefined && equal(last, values, budget);
    last = values;
    return !isSame;
  });
  const cycle = new Callable("cycle", ({ positional }) => {
    const value = positional[state.index % Math.max(1, positional.length)];
    if (value === undefined) throw new TemplateError("cycles through nothing");
    return value;
  });
  const again = new Callable("loop", ({ positional: [items] }) => {
    if (state.again === null || items === undefined) {
      throw new TemplateError("calls loop, which is not recursive");
    }
    return state.again(items);
  });
  return new ObjectValue("LoopContext", (name) => {
    const { items, index, depth } = state;
    const left = items.length - index;
    switch (name) {
      case "index":
        return index + 1;
      case "index0":
        return index;
      case "revindex":
        return left;
      case "revindex0":
        return left - 1;
      case "first":
        return index === 0;
      case "last":
        return left === 1;
      case "length":
        return items.length;
      case "depth":
        return depth + 1;
      case "depth0":
        return depth;
      case "previtem":
        return items[index - 1] ?? noItem("there is no previous item", items, index - 1);
      case "nextitem":
        return items[index + 1] ?? noItem("there is no next item", items, index + 1);
      case "cycle":
        return cycle;
      case "changed":
        return changed;
      case "__call__":
        return again;
      default:
        return undefined;
    }
  });
}

/** A neighbouring item may itself be None; beyond the ends it is undefined. */
function noItem(problem: string, items: readonly Value[], index: number): Value {
  return index >= 0 && index < items.length ? null : new Undefined(problem);
}
