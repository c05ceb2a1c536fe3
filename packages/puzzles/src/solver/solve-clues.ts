import { type Clue } from "../clues/clue.js";
import { type Truth } from "../scenario/scenario.js";
import { type Setting } from "../scenario/setting.js";
import { encode, excludeTruth } from "./encoding.js";
import { type SolverFactory } from "./sat-solver.js";
import { readTruth } from "./truth.js";

/** What clues leave open. */
export type ClueVerdict =
  /** Nothing fits them; `conflict` are clues, by index, that cannot all hold. */
  | { type: "contradiction"; conflict: number[] }
  /** Several things fit them, two of which are given. */
  | { type: "ambiguous"; truths: [Truth, Truth] }
  /** One thing fits them; `redundant` are clues, by index, without any one of which this stays so. */
  | { type: "unique"; truth: Truth; redundant: number[] };

/** Finds what fits the clues of a setting, and whether anything else does. */
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
