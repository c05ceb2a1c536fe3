import { type Plot } from "./prompt/plot.js";
import { Cdcl } from "./solver/cdcl.js";
import { type SolverFactory } from "./solver/sat-solver.js";
import { solveClues } from "./solver/solve-clues.js";

/** What is wrong with a case, if anything. */
export interface CaseCheck {
  /** Whether its clues have one solution, and that is what is said to have happened. */
  unique: boolean;
  /** Clues, by index, that could be left out. */
  redundant: number[];
}

/** Checks that a case has one solution, the right one, and no clue that could be left out. */
export function checkCase(
  { setting, clues, truth }: Pick<Plot, "setting" | "clues" | "truth">,
  solver: SolverFactory = () => new Cdcl(),
): CaseCheck {
  const verdict = solveClues(setting, clues, solver);
  if (verdict.type !== "unique") return { unique: false, redundant: [] };
  const same = JSON.stringify(verdict.truth) === JSON.stringify(truth);
  return { unique: same, redundant: verdict.redundant };
}
