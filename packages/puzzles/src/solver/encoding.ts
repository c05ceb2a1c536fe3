import type { Clue } from "../clues/clue.js";
import type { Truth } from "../scenario/scenario.js";
import type { Setting } from "../scenario/setting.js";
import { ClueClauses } from "./clue-clauses.js";
import { Formula } from "./formula.js";
import { addRules } from "./rules.js";
import type { SatSolver } from "./sat-solver.js";
import { truthVariables } from "./truth.js";
import { Variables } from "./variables.js";

/** A case as one incremental SAT instance: the rules, and every clue under a selector. */
export interface Encoding {
  variables: Variables;
  /** Selector by clue, in the order of the clues. */
  selectors: number[];
}

/** Encodes the rules of a setting and its clues into a solver. */
export function encode(solver: SatSolver, setting: Setting, clues: readonly Clue[]): Encoding {
  const variables = new Variables(setting);
  const formula = new Formula(solver, variables.count);
  addRules(formula, variables, setting);
  const clauses = new ClueClauses(formula, variables, setting);
  return { variables, selectors: clues.map((clue) => clauses.add(clue)) };
}

/**
 * Adds the constraint that something differs from the truth. Clues whose only solution is the truth
 * are unsatisfiable from then on.
 */
export function excludeTruth(
  solver: SatSolver,
  variables: Variables,
  { setting, truth }: { setting: Setting; truth: Truth },
): void {
  solver.addClause(truthVariables(variables, setting, truth).map((variable) => -variable));
}
