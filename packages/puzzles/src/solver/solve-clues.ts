import type { Clue } from "../clues/clue.js";
import type { Truth } from "../scenario/scenario.js";
import type { Setting } from "../scenario/setting.js";
import { encode, excludeTruth } from "./encoding.js";
import type { SolverFactory } from "./sat-solver.js";
import { readTruth } from "./truth.js";

/** The solutions of a set of clues. */
export type ClueVerdict =
  /** No solution; `conflict` are indices of clues that contradict each other. */
  | { type: "contradiction"; conflict: number[] }
  /** Several solutions, of which two are given. */
  | { type: "ambiguous"; truths: [Truth, Truth] }
  /**
   * One solution; `redundant` are indices of clues, each of which can be removed without adding a
   * solution.
   */
  | { type: "unique"; truth: Truth; redundant: number[] };

/** Finds the solution of a setting's clues, and whether there is another. */
export function solveClues(
  setting: Setting,
  clues: readonly Clue[],
  newSolver: SolverFactory,
): ClueVerdict {
  const solver = newSolver();
  try {
    const { variables, selectors } = encode(solver, setting, clues);
    if (!solver.solve(selectors)) {
      const core = new Set(solver.core());
      return { type: "contradiction", conflict: indicesOf(selectors, (one) => core.has(one)) };
    }
    const truth = readTruth(variables, setting, (variable) => solver.value(variable));
    excludeTruth(solver, variables, { setting, truth });
    if (solver.solve(selectors)) {
      const other = readTruth(variables, setting, (variable) => solver.value(variable));
      return { type: "ambiguous", truths: [truth, other] };
    }
    const redundant = indicesOf(selectors, (one) => {
      return !solver.solve(selectors.filter((other) => other !== one));
    });
    return { type: "unique", truth, redundant };
  } finally {
    solver.dispose();
  }
}

function indicesOf(items: readonly number[], test: (item: number) => boolean): number[] {
  return [...items.keys()].filter((index) => test(items[index] as number));
}
