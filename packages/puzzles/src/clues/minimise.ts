import { type SatSolver } from "../solver/sat-solver.js";

/**
 * Drops clues, from the first to the last, as long as the rest still forces the one solution. What is
 * left is irredundant: without any one of them there would be another solution.
 *
 * The result depends on the order alone, not on the solver: each step asks a yes/no question. Most of
 * them need no call: a clue outside the last core is not needed, since the core is enough without it.
 * Assumptions are given last clue first, so that cores are made of clues that are tried late, and so that
 * one call's assumptions begin as those of the call before; clues that stay come at the end.
 *
 * @param solver     holds the rules, the clues under their selectors, and "something differs"
 * @param selectors  in the order in which clues are tried
 * @returns          for each clue whether it stays; null when even all of them are not enough
 */
export function minimise(solver: SatSolver, selectors: readonly number[]): boolean[] | null {
  const untried = [...selectors].reverse();
  if (solver.solve(untried)) return null;
  let core = new Set(solver.core());
  const kept: number[] = [];
  for (let selector = untried.pop(); selector !== undefined; selector = untried.pop()) {
    if (!core.has(selector)) continue;
    if (solver.solve([...untried, ...kept])) kept.push(selector);
    else core = new Set(solver.core());
  }
  const stays = new Set(kept);
  return selectors.map((selector) => stays.has(selector));
}
