import { type SatSolver } from "./sat-solver.js";

/** What clauses are built on: a solver, and a counter for fresh variables. */
export class Formula {
  readonly #solver: SatSolver;
  #lastVariable: number;

  /** @param lastVariable  the highest variable that already has a meaning */
  constructor(solver: SatSolver, lastVariable: number) {
    this.#solver = solver;
    this.#lastVariable = lastVariable;
  }

  /** Returns a variable that nothing is said about yet. */
  fresh(): number {
    return ++this.#lastVariable;
  }

  /** Says that one of the literals is true. */
  clause(...literals: number[]): void {
    this.#solver.addClause(literals);
  }

  /** Says that exactly one of the literals is true. */
  exactlyOne(literals: readonly number[]): void {
    this.#solver.addClause(literals);
    for (let i = 1; i < literals.length; i++) {
      for (let j = 0; j < i; j++) this.clause(-(literals[i] as number), -(literals[j] as number));
    }
  }

  /** Returns a literal that is true exactly when both are. */
  both(a: number, b: number): number {
    const result = this.fresh();
    this.clause(-result, a);
    this.clause(-result, b);
    this.clause(result, -a, -b);
    return result;
  }

  /**
   * Says that exactly `count` of the literals are true, by a table of counters: entry j after literal i
   * says that more than j of the first i + 1 literals are true.
   */
  exactly(count: number, literals: readonly number[]): void {
    if (count === 1) return this.exactlyOne(literals);
    let before: number[] = [];
    for (const literal of literals) {
      const after = Array.from({ length: Math.min(before.length, count) + 1 }, () => this.fresh());
      after.forEach((more, j) => {
        const same = before[j];
        const fewer = j === 0 ? null : (before[j - 1] as number);
        // more <=> same, or fewer and this literal; `same` is false and `fewer` true where they lack.
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
