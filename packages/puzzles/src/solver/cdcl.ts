import { type SatSolver } from "./sat-solver.js";
import { VariableHeap } from "./variable-heap.js";

/** Conflicts before the first restart; later ones follow the Luby series. */
const RESTART_CONFLICTS = 100;
/** Activities grow by this factor with every conflict, so that recent conflicts count most. */
const ACTIVITY_GROWTH = 1 / 0.95;
const ACTIVITY_LIMIT = 1e100;
/** Stands where a variable was decided on or assumed, not derived. */
const NO_CLAUSE: Int32Array = new Int32Array(0);

/**
 * A plain conflict-driven SAT solver: two watched literals, first unique implication points, activity
 * order, saved phases, restarts, assumptions with cores. It keeps what it learns from call to call.
 *
 * - Literal v is coded as 2v, -v as 2v + 1, so that the negation is code ^ 1.
 * - The first two literals of a clause are the watched ones; the first is the derived one of a reason.
 * - It is deterministic: the same calls give the same models and cores everywhere.
 *
 * @source Een and Sorensson, "An extensible SAT-solver", SAT 2003
 */
export class Cdcl implements SatSolver {
  /** By literal code: 1 true, -1 false, 0 open. */
  #values: number[] = [0, 0];
  /** By literal code: clauses that watch it. */
  #watches: Int32Array[][] = [[], []];
  #level: number[] = [0];
  #reason: Int32Array[] = [NO_CLAUSE];
  #phase: boolean[] = [false];
  #activity: number[] = [0];
  #seen: boolean[] = [false];
  #heap = new VariableHeap(this.#activity);
  #trail: number[] = [];
  /** Length of the trail at the start of each level. */
  #levelStarts: number[] = [];
  #propagated = 0;
  #activityStep = 1;
  #contradictory = false;
  #model: number[] = [];
  #core: number[] = [];

  addClause(literals: readonly number[]): void {
    this.#backtrack(0);
    const codes: number[] = [];
    for (const literal of literals) {
      const code = this.#code(literal);
      if (this.#values[code] === 1 || codes.includes(code ^ 1)) return;
      if (this.#values[code] === 0 && !codes.includes(code)) codes.push(code);
    }
    if (codes.length === 0) this.#contradictory = true;
    else if (codes.length === 1) this.#assign(codes[0] as number, NO_CLAUSE);
    else this.#attach(Int32Array.from(codes));
  }

  solve(assumptions: readonly number[] = []): boolean {
    this.#backtrack(0);
    this.#core = [];
    const assumed = assumptions.map((literal) => this.#code(literal));
    for (let round = 1; !this.#contradictory; round++) {
      const verdict = this.#search(assumed, RESTART_CONFLICTS * luby(round));
      if (verdict !== null) return verdict;
    }
    return false;
  }

  value(variable: number): boolean {
    return this.#model[2 * variable] === 1;
  }

  core(): number[] {
    return this.#core.map((code) => (code & 1 ? -(code >> 1) : code >> 1));
  }

  dispose(): void {
    this.#watches = [];
  }

  /** Searches until a verdict, or so many conflicts have passed: null. */
  #search(assumed: readonly number[], conflictLimit: number): boolean | null {
    for (let conflicts = 0; ;) {
      const conflict = this.#propagate();
      if (conflict !== null) {
        if (this.#levelStarts.length === 0) {
          this.#contradictory = true;
          return false;
        }
        this.#learn(conflict);
        conflicts++;
        continue;
      }
      if (conflicts >= conflictLimit) {
        this.#backtrack(0);
        return null;
      }
      const next = this.#nextDecision(assumed);
      if (next === "refuted") return false;
      if (next === "complete") {
        this.#model = [...this.#values];
        return true;
      }
      this.#levelStarts.push(this.#trail.length);
      if (next !== "nothing") this.#assign(next, NO_CLAUSE);
    }
  }

  /** The next assumption, or the most active open variable. */
  #nextDecision(assumed: readonly number[]): number | "nothing" | "complete" | "refuted" {
    const assumption = assumed[this.#levelStarts.length];
    if (assumption !== undefined) {
      if (this.#values[assumption] === 1) return "nothing";
      if (this.#values[assumption] === 0) return assumption;
      this.#core = this.#refute(assumption);
      return "refuted";
    }
    while (this.#heap.size > 0) {
      const variable = this.#heap.pop();
      if (this.#values[2 * variable] === 0) return 2 * variable + (this.#phase[variable] ? 0 : 1);
    }
    return "complete";
  }

  /** Follows all consequences; returns a clause that became false, or null. */
  #propagate(): Int32Array | null {
    const values = this.#values;
    while (this.#propagated < this.#trail.length) {
      const falseCode = (this.#trail[this.#propagated++] as number) ^ 1;
      const watches = this.#watches[falseCode] as Int32Array[];
      let kept = 0;
      for (let i = 0; i < watches.length; i++) {
        const clause = watches[i] as Int32Array;
        if (clause[0] === falseCode) {
          clause[0] = clause[1] as number;
          clause[1] = falseCode;
        }
        const first = clause[0] as number;
        if (values[first] === 1) {
          watches[kept++] = clause;
          continue;
        }
        if (this.#moveWatch(clause)) continue;
        watches[kept++] = clause;
        if (values[first] === -1) {
          while (++i < watches.length) watches[kept++] = watches[i] as Int32Array;
          watches.length = kept;
          this.#propagated = this.#trail.length;
          return clause;
        }
        this.#assign(first, clause);
      }
      watches.length = kept;
    }
    return null;
  }

  /** Lets a clause watch another literal instead of its second, which is false. */
  #moveWatch(clause: Int32Array): boolean {
    for (let k = 2; k < clause.length; k++) {
      const code = clause[k] as number;
      if (this.#values[code] === -1) continue;
      clause[k] = clause[1] as number;
      clause[1] = code;
      (this.#watches[code] as Int32Array[]).push(clause);
      return true;
    }
    return false;
  }

  /** Derives a clause from a conflict, goes back to where it forces something, and adds it. */
  #learn(conflict: Int32Array): void {
    const learnt = [0];
    const marked: number[] = [];
    let open = 0;
    let position = this.#trail.length;
    let clause = conflict;
    let code = -1;
    do {
      for (const other of clause) {
        const variable = other >> 1;
        if (other === code || this.#seen[variable] || this.#level[variable] === 0) continue;
        this.#seen[variable] = true;
        marked.push(variable);
        this.#raise(variable);
        if (this.#level[variable] === this.#levelStarts.length) open++;
        else learnt.push(other);
      }
      do code = this.#trail[--position] as number;
      while (!this.#seen[code >> 1]);
      clause = this.#reason[code >> 1] as Int32Array;
      open--;
    } while (open > 0);
    learnt[0] = code ^ 1;
    const short = learnt.filter((other, index) => index === 0 || !this.#isImplied(other));
    for (const variable of marked) this.#seen[variable] = false;
    this.#activityStep *= ACTIVITY_GROWTH;
    this.#addLearnt(short);
  }

  /** Whether the rest of the learnt clause already says what this literal says. */
  #isImplied(code: number): boolean {
    const reason = this.#reason[code >> 1] as Int32Array;
    if (reason === NO_CLAUSE) return false;
    return reason.every((other) => {
      const variable = other >> 1;
      return variable === code >> 1 || this.#seen[variable] || this.#level[variable] === 0;
    });
  }

  #addLearnt(codes: number[]): void {
    let back = 0;
    for (let i = 1; i < codes.length; i++) {
      const level = this.#level[(codes[i] as number) >> 1] as number;
      if (level <= back) continue;
      back = level;
      // The literal of the highest level must be watched: it is the first to be open again.
      [codes[1], codes[i]] = [codes[i] as number, codes[1] as number];
    }
    this.#backtrack(back);
    const clause = Int32Array.from(codes);
    if (clause.length > 1) this.#attach(clause);
    this.#assign(codes[0] as number, clause.length > 1 ? clause : NO_CLAUSE);
  }

  /** The assumptions that make an assumption false, and itself. */
  #refute(assumption: number): number[] {
    const core = [assumption];
    const first = assumption >> 1;
    if (this.#level[first] === 0) return core;
    this.#seen[first] = true;
    for (let i = this.#trail.length - 1; i >= (this.#levelStarts[0] as number); i--) {
      const code = this.#trail[i] as number;
      const variable = code >> 1;
      if (!this.#seen[variable]) continue;
      this.#seen[variable] = false;
      const reason = this.#reason[variable] as Int32Array;
      if (reason === NO_CLAUSE) core.push(code);
      for (const other of reason) {
        if (this.#level[other >> 1] !== 0 && other !== code) this.#seen[other >> 1] = true;
      }
    }
    return core;
  }

  #assign(code: number, reason: Int32Array): void {
    const variable = code >> 1;
    this.#values[code] = 1;
    this.#values[code ^ 1] = -1;
    this.#level[variable] = this.#levelStarts.length;
    this.#reason[variable] = reason;
    this.#trail.push(code);
  }

  #backtrack(level: number): void {
    if (this.#levelStarts.length <= level) return;
    const start = this.#levelStarts[level] as number;
    for (let i = this.#trail.length - 1; i >= start; i--) {
      const code = this.#trail[i] as number;
      const variable = code >> 1;
      this.#values[code] = 0;
      this.#values[code ^ 1] = 0;
      this.#phase[variable] = (code & 1) === 0;
      this.#heap.insert(variable);
    }
    this.#trail.length = start;
    this.#levelStarts.length = level;
    this.#propagated = start;
  }

  #attach(clause: Int32Array): void {
    (this.#watches[clause[0] as number] as Int32Array[]).push(clause);
    (this.#watches[clause[1] as number] as Int32Array[]).push(clause);
  }

  #raise(variable: number): void {
    const activity = (this.#activity[variable] as number) + this.#activityStep;
    this.#activity[variable] = activity;
    if (activity > ACTIVITY_LIMIT) {
      this.#activity.forEach((value, index) => (this.#activity[index] = value / ACTIVITY_LIMIT));
      this.#activityStep /= ACTIVITY_LIMIT;
    }
    this.#heap.raised(variable);
  }

  /** The code of a literal, whose variable is made known. */
  #code(literal: number): number {
    const variable = Math.abs(literal);
    for (let fresh = this.#level.length; fresh <= variable; fresh++) {
      this.#values.push(0, 0);
      this.#watches.push([], []);
      this.#level.push(0);
      this.#reason.push(NO_CLAUSE);
      this.#phase.push(false);
      this.#activity.push(0);
      this.#seen.push(false);
      this.#heap.insert(fresh);
    }
    return literal > 0 ? 2 * variable : 2 * variable + 1;
  }
}

/** Term i, from 1, of 1 1 2 1 1 2 4 1 1 2 ... */
function luby(term: number): number {
  let size = 1;
  let power = 0;
  while (size < term) {
    size = 2 * size + 1;
    power++;
  }
  let rest = term - 1;
  while (size - 1 !== rest) {
    size = (size - 1) >> 1;
    power--;
    rest %= size;
  }
  return 2 ** power;
}
