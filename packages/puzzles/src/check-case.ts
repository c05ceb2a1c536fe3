import type { Plot } from "./prompt/plot.js";
import { Cdcl } from "./solver/cdcl.js";
import type { SolverFactory } from "./solver/sat-solver.js";
import { solveClues } from "./solver/solve-clues.js";

/** Result of checking a case. */
export interface CaseCheck {
  /** Whether the clues have exactly one solution, equal to the given truth. */
  unique: boolean;
  /** Indices of clues that could be omitted. */
  redundant: number[];
}

/** Checks that a case has exactly one solution, the given one, and no redundant clue. */
export function checkCase(
  { setting, clues, truth }: Pick<Plot, "setting" | "clues" | "truth">,
  solver: SolverFactory = () => new Cdcl(),
): CaseCheck {
  const verdict = solveClues(setting, clues, solver);
  if (verdict.type !== "unique") return { unique: false, redundant: [] };
  const same = JSON.stringify(verdict.truth) === JSON.stringify(truth);
  return { unique: same, redundant: verdict.redundant };
}
