import type { SatSolver } from "../solver/sat-solver.js";

/**
 * Removes clues, in order, as long as the remaining ones still force a unique solution. The result
 * is irredundant: without any of its clues there is another solution.
 *
 * The result depends on the order only, not on the solver, since each step is a yes/no question.
 * Most steps need no solver call: a clue outside the last unsat core is not needed, since the core
 * suffices without it. Assumptions are passed last clue first: cores then consist of clues that are
 * tried late, and consecutive calls share a prefix of assumptions. Clues that stay are passed at
 * the end.
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
