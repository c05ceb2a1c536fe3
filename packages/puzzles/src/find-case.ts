import { TierError } from "./errors.js";
import { type Case, type CaseName, generateCase } from "./generate-case.js";
import { type SolverFactory } from "./solver/sat-solver.js";
import { type Difficulty, measureDifficulty } from "./trace/difficulty.js";

/** How many steps the deduction of a wanted case may have, both bounds included. */
export interface DifficultyRange {
  min: number;
  max: number;
}

/** Which cases are wanted. */
export interface CaseQuery {
  /** Null for any. */
  difficulty?: DifficultyRange | null;
  /** Says whether a case may come up. */
  accept?: (made: Case) => boolean;
  /** Any solver finds the same case. */
  solver?: SolverFactory;
}

/** A case that was wanted, and its difficulty where that was asked about. */
export interface FoundCase {
  made: Case;
  difficulty: Difficulty | null;
}

/** Cases tried for one place of a series before the query is called one that cannot be granted. */
const MAX_ATTEMPTS = 1000;

/**
 * Finds the case of a place in a series: the first attempt at it that is wanted. The same place and query
 * are the same case on every machine.
 *
 * @throws TierError  when a thousand attempts gave none
 */
export function findCase(name: CaseName, query: CaseQuery = {}): FoundCase {
  return drain(searchCase(name, query));
}

/**
 * Finds a case as {@link findCase} does, and yields after every attempt that was not wanted, so that
 * other work can have its turn.
 *
 * @throws TierError  when a thousand attempts gave none
 */
export function* searchCase(name: CaseName, query: CaseQuery = {}): Search<FoundCase> {
  const { difficulty: range = null, accept, solver } = query;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const made = generateCase({ ...name, attempt, solver });
    if (accept?.(made) !== false) {
      if (range === null) return { made, difficulty: null };
      const difficulty = measureDifficulty(made);
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

/** Work that can be interrupted: it yields until it returns what was looked for. */
export type Search<T> = Generator<undefined, T>;

/** Does interruptible work to its end. */
export function drain<T>(search: Search<T>): T {
  for (;;) {
    const step = search.next();
    if (step.done === true) return step.value;
  }
}
