/**
 * An incremental SAT solver. Variables are 1, 2, 3 ...; literal v is true when the variable is, -v
 * when it is false. Clauses are permanent; assumptions apply to one call.
 */
export interface SatSolver {
  /** Adds a clause: one of the literals must be true. */
  addClause(literals: readonly number[]): void;
  /** Returns whether the clauses are satisfiable under the assumptions. */
  solve(assumptions?: readonly number[]): boolean;
  /** After `solve` returned true: the value of a variable in the model. */
  value(variable: number): boolean;
  /** After `solve` returned false: assumptions that are unsatisfiable with the clauses. */
  core(): number[];
  /** Frees the solver, which must not be used afterwards. */
  dispose(): void;
}

/** Creates an empty solver. */
export type SolverFactory = () => SatSolver;
