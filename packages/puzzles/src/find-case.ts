import { TierError } from "./errors.js";
import { type Case, type CaseName, generateCase } from "./generate-case.js";
import type { SolverFactory } from "./solver/sat-solver.js";
import { type Difficulty, searchDifficulty } from "./trace/difficulty.js";
import { drain, type Search } from "./search.js";

/** Bounds of the number of deduction steps, both inclusive. */
export interface DifficultyRange {
  min: number;
  max: number;
}

/** Conditions on the case to find. */
export interface CaseQuery {
  /** Null for any. */
  difficulty?: DifficultyRange | null;
  /** Returns whether a case is acceptable. */
  accept?: (made: Case) => boolean;
  /** Any solver finds the same case. */
  solver?: SolverFactory;
}

/** A found case, with its difficulty if the query has a difficulty range. */
export interface FoundCase {
  made: Case;
  difficulty: Difficulty | null;
}

/** Attempts at one index before the query counts as unsatisfiable. */
const MAX_ATTEMPTS = 1000;

/**
 * Finds the case of an index in a series: the first attempt that satisfies the query. The same
 * index and query give the same case on every machine.
 *
 * @throws TierError  when a thousand attempts gave none
 */
export function findCase(name: CaseName, query: CaseQuery = {}): FoundCase {
  return drain(searchCase(name, query));
}

/**
 * Finds a case like {@link findCase}, yielding after every rejected attempt, so that the caller can
 * do other work.
 *
 * @throws TierError  when a thousand attempts gave none
 */
export function* searchCase(name: CaseName, query: CaseQuery = {}): Search<FoundCase> {
  const { difficulty: range = null, accept, solver } = query;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const made = generateCase({ ...name, attempt, solver });
    if (accept?.(made) !== false) {
      if (range === null) return { made, difficulty: null };
      const difficulty = yield* searchDifficulty(made);
      const { numSteps } = difficulty;
      if (numSteps >= range.min && numSteps <= range.max) return { made, difficulty };
    }
    yield;
  }
  const place = `${name.tier} case for place ${name.index} of series ${name.seed}`;
  if (range === null) throw new TierError("exclude", `leaves no ${place} in ${MAX_ATTEMPTS} tries`);
  const steps = `${range.min} to ${range.max} steps`;
  throw new TierError("difficulty", `no ${place} has ${steps} in ${MAX_ATTEMPTS} tries`);
}
