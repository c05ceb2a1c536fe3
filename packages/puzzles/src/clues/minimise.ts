import { type SatSolver } from "../solver/sat-solver.js";

/**
 * Drops clues, from the first to the last, as long as the rest still forces the one solution. What is
 * left is irredundant: without any one of them there would be another solution.
 *
 * The result depends on the order alone, not on the solver: each step asks a yes/no question. Most of
 * them need no call: a clue outside the last core is not needed, since the core is enough without it.
 * Assumptions are given last clue first, so that cores are made of clues that are tried late.
 *
 * @param solver     holds the rules, the clues under their selectors, and "something differs"
 * @param selectors  in the order in which clues are tried
 * @returns          for each clue whether it stays; null when even all of them are not enough
 */
export function minimise(solver: SatSolver, selectors: readonly number[]): boolean[] | null {
  if (solver.solve([...selectors].reverse())) return null;
  let core = new Set(solver.core());
  const keep = selectors.map(() => false);
  for (const [index, selector] of selectors.entries()) {
    if (!core.has(selector)) continue;
    if (!solver.solve(selectors.slice(index + 1).reverse())) {
      core = new Set(solver.core());
      continue;
    }
    keep[index] = true;
    // From here on the clue is given, and needs no assumption.
    solver.addClause([selector]);
  }
  return keep;
}
