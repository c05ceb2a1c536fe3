/**
 * An incremental SAT solver. Variables are 1, 2, 3 ...; literal v says that v is true, -v that it is
 * false. Clauses only ever add up; assumptions hold for one call.
 */
export interface SatSolver {
  /** Adds a clause: one of the literals is true. */
  addClause(literals: readonly number[]): void;
  /** Returns whether all clauses and all assumptions can hold together. */
  solve(assumptions?: readonly number[]): boolean;
  /** After `solve` said yes: whether the variable is true in the model that was found. */
  value(variable: number): boolean;
  /** After `solve` said no: assumptions that cannot hold together with the clauses. */
  core(): number[];
  /** Frees what the solver holds; nothing may be called after it. */
  dispose(): void;
}

/** Makes an empty solver. */
export type SolverFactory = () => SatSolver;
