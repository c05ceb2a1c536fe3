import type { SatSolver } from "./sat-solver.js";

/** Adds clauses to a solver, and counts fresh variables. */
export class Formula {
  readonly #solver: SatSolver;
  #lastVariable: number;

  /** @param lastVariable  the highest variable that is in use */
  constructor(solver: SatSolver, lastVariable: number) {
    this.#solver = solver;
    this.#lastVariable = lastVariable;
  }

  /** Returns a new, unconstrained variable. */
  fresh(): number {
    return ++this.#lastVariable;
  }

  /** Adds the clause that one of the literals is true. */
  clause(...literals: number[]): void {
    this.#solver.addClause(literals);
  }

  /** Constrains exactly one of the literals to be true. */
  exactlyOne(literals: readonly number[]): void {
    this.#solver.addClause(literals);
    for (let i = 1; i < literals.length; i++) {
      for (let j = 0; j < i; j++) this.clause(-(literals[i] as number), -(literals[j] as number));
    }
  }

  /** Returns a literal equivalent to the conjunction of both. */
  both(a: number, b: number): number {
    const result = this.fresh();
    this.clause(-result, a);
    this.clause(-result, b);
    this.clause(result, -a, -b);
    return result;
  }

  /**
   * Constrains exactly `count` of the literals to be true, by a sequential counter: entry j after
   * literal i means that more than j of the first i + 1 literals are true.
   */
  exactly(count: number, literals: readonly number[]): void {
    if (count === 1) return this.exactlyOne(literals);
    let before: number[] = [];
    for (const literal of literals) {
      const after = Array.from({ length: Math.min(before.length, count) + 1 }, () => this.fresh());
      after.forEach((more, j) => {
        const same = before[j];
        const fewer = j === 0 ? null : (before[j - 1] as number);
        // more <=> same, or fewer and this literal; at the borders `same` is false and `fewer`
        // true.
        if (same !== undefined) this.clause(more, -same);
        this.clause(...[more, -literal, ...(fewer === null ? [] : [-fewer])]);
        this.clause(...[-more, literal, ...(same === undefined ? [] : [same])]);
        if (fewer !== null) this.clause(...[-more, fewer, ...(same === undefined ? [] : [same])]);
      });
      before = after;
    }
    const enough = count === 0 ? null : before[count - 1];
    if (enough === undefined) throw new RangeError(`${count} of ${literals.length} is impossible`);
    if (enough !== null) this.clause(enough);
    const tooMany = before[count];
    if (tooMany !== undefined) this.clause(-tooMany);
    return undefined;
  }
}
