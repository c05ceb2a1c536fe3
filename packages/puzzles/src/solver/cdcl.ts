import { ClauseStore } from "./clause-store.js";
import { DecisionQueue } from "./decision-queue.js";
import { luby } from "./luby.js";
import type { SatSolver } from "./sat-solver.js";

/** Conflicts before the first restart; later intervals follow the Luby sequence. */
const RESTART_CONFLICTS = 100;
/** The reason of a variable that is a decision, an assumption or a unit. */
const NO_CLAUSE = 0;

/**
 * A plain CDCL (conflict-driven clause learning) SAT solver: two watched literals, first unique
 * implication points, VMTF decisions, phase saving, restarts, assumptions with cores. Between calls
 * it keeps the learnt clauses, and the levels of the assumptions that a call has in common with the
 * previous one.
 *
 * - Literal v has code 2v, -v has 2v + 1: the negation is code ^ 1.
 * - The first two literals of a clause are watched.
 * - Level i + 1 belongs to assumption i; the levels of decisions follow.
 * - It is deterministic: the same calls give the same models and cores on every machine.
 *
 * @source Een and Sorensson, "An extensible SAT-solver", SAT 2003
 */
export class Cdcl implements SatSolver {
  #variables = 0;
  /** By literal code: 1 true, -1 false, 0 unassigned. */
  #values = new Int8Array(128);
  #level = new Int32Array(64);
  /** By variable: the clause that implied it. */
  #reason = new Int32Array(64);
  /** By variable: saved phase, 1 for true. */
  #phase = new Uint8Array(64);
  #seen = new Uint8Array(64);
  /**
   * By literal code: the clauses that watch it, each followed by a blocking literal of the clause.
   */
  #watches: number[][] = [[], []];
  readonly #clauses = new ClauseStore();
  readonly #queue = new DecisionQueue();
  readonly #isOpen = (variable: number) => this.#values[2 * variable] === 0;
  /** True literals in order of assignment. */
  #trail = new Int32Array(64);
  #trailLength = 0;
  /** Length of the trail at the start of each level. */
  readonly #levelStarts: number[] = [];
  #propagated = 0;
  #assumed: number[] = [];
  #contradictory = false;
  #numDecisions = 0;
  #model = new Int8Array(0);
  #core: number[] = [];

  /** Number of decisions so far, not counting assumptions. */
  get numDecisions(): number {
    return this.#numDecisions;
  }

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
    else this.#attach(codes);
  }

  solve(assumptions: readonly number[] = []): boolean {
    const assumed = assumptions.map((literal) => this.#code(literal));
    let shared = 0;
    while (shared < assumed.length && assumed[shared] === this.#assumed[shared]) shared++;
    this.#backtrack(shared);
    this.#assumed = assumed;
    this.#core = [];
    for (let round = 1; !this.#contradictory; round++) {
      const verdict = this.#search(RESTART_CONFLICTS * luby(round));
      if (verdict !== null) return verdict;
    }
    return false;
  }

  /**
   * Returns the literals that unit propagation implies from assumptions, without search; null when
   * it finds a contradiction. The result excludes the assumptions and, if there are any, what is
   * implied without them.
   */
  implied(assumptions: readonly number[]): number[] | null {
    this.#backtrack(0);
    this.#assumed = [];
    if (this.#contradictory || this.#propagate() !== NO_CLAUSE) return null;
    this.#levelStarts.push(this.#trailLength);
    for (const literal of assumptions) {
      const code = this.#code(literal);
      if (this.#values[code] === -1) return null;
      if (this.#values[code] === 0) this.#assign(code, NO_CLAUSE);
    }
    if (this.#propagate() !== NO_CLAUSE) return null;
    const first = assumptions.length === 0 ? 0 : (this.#levelStarts[0] as number);
    const codes = [...this.#trail.subarray(first, this.#trailLength)];
    const given = new Set(assumptions);
    return codes.map(literalOf).filter((literal) => !given.has(literal));
  }

  value(variable: number): boolean {
    return this.#model[2 * variable] === 1;
  }

  core(): number[] {
    return this.#core.map(literalOf);
  }

  dispose(): void {
    this.#watches = [];
  }

  /** Searches until a verdict, or null after a number of conflicts. */
  #search(conflictLimit: number): boolean | null {
    for (let conflicts = 0; ;) {
      const conflict = this.#propagate();
      if (conflict !== NO_CLAUSE) {
        if (this.#levelStarts.length === 0) {
          this.#contradictory = true;
          return false;
        }
        this.#learn(conflict);
        conflicts++;
        continue;
      }
      if (conflicts >= conflictLimit) {
        this.#backtrack(this.#assumed.length);
        return null;
      }
      const next = this.#nextDecision();
      if (next === "refuted") return false;
      if (next === "complete") {
        this.#model = this.#values.slice();
        return true;
      }
      this.#levelStarts.push(this.#trailLength);
      if (next !== "nothing") this.#assign(next, NO_CLAUSE);
    }
  }

  /** Returns the next assumption, or the unassigned variable at the front of the queue. */
  #nextDecision(): number | "nothing" | "complete" | "refuted" {
    const assumption = this.#assumed[this.#levelStarts.length];
    if (assumption !== undefined) {
      if (this.#values[assumption] === 1) return "nothing";
      if (this.#values[assumption] === 0) return assumption;
      this.#core = this.#refute(assumption);
      return "refuted";
    }
    const variable = this.#queue.pick(this.#isOpen);
    if (variable > 0) this.#numDecisions++;
    if (variable > 0) return 2 * variable + (this.#phase[variable] ? 0 : 1);
    return "complete";
  }

  /** Propagates units; returns a falsified clause, or none. */
  #propagate(): number {
    while (this.#propagated < this.#trailLength) {
      const conflict = this.#visit((this.#trail[this.#propagated++] as number) ^ 1);
      if (conflict === NO_CLAUSE) continue;
      this.#propagated = this.#trailLength;
      return conflict;
    }
    return NO_CLAUSE;
  }

  /** Visits the clauses that watch a falsified literal. */
  #visit(falseCode: number): number {
    const values = this.#values;
    const words = this.#clauses.words;
    const watches = this.#watches[falseCode] as number[];
    let conflict = NO_CLAUSE;
    let kept = 0;
    for (let i = 0; i < watches.length; i += 2) {
      const clause = watches[i] as number;
      let other = watches[i + 1] as number;
      if (conflict === NO_CLAUSE && values[other] !== 1) {
        if (words[clause + 1] === falseCode) {
          words[clause + 1] = words[clause + 2] as number;
          words[clause + 2] = falseCode;
        }
        other = words[clause + 1] as number;
        if (values[other] !== 1) {
          if (this.#moveWatch(clause, other)) continue;
          if (values[other] === -1) conflict = clause;
          else this.#assign(other, clause);
        }
      }
      watches[kept++] = clause;
      watches[kept++] = other;
    }
    if (kept < watches.length) watches.length = kept;
    return conflict;
  }

  /** Replaces a clause's second, false watched literal by another one. */
  #moveWatch(clause: number, first: number): boolean {
    const words = this.#clauses.words;
    const end = clause + 1 + (words[clause] as number);
    for (let k = clause + 3; k < end; k++) {
      const code = words[k] as number;
      if (this.#values[code] === -1) continue;
      words[k] = words[clause + 2] as number;
      words[clause + 2] = code;
      (this.#watches[code] as number[]).push(clause, first);
      return true;
    }
    return false;
  }

  /** Learns a clause from a conflict, backjumps to the level where it is unit, and adds it. */
  #learn(conflict: number): void {
    const learnt = [0];
    const marked: number[] = [];
    let open = 0;
    let position = this.#trailLength;
    let clause = conflict;
    let code = -1;
    do {
      for (let k = clause + this.#length(clause); k > clause; k--) {
        const other = this.#clauses.words[k] as number;
        const variable = other >> 1;
        if (other === code || this.#seen[variable] || this.#level[variable] === 0) continue;
        this.#seen[variable] = 1;
        marked.push(variable);
        if (this.#level[variable] === this.#levelStarts.length) open++;
        else learnt.push(other);
      }
      do code = this.#trail[--position] as number;
      while (!this.#seen[code >> 1]);
      clause = this.#reason[code >> 1] as number;
      open--;
    } while (open > 0);
    learnt[0] = code ^ 1;
    const short = learnt.filter((other, index) => index === 0 || !this.#isImplied(other));
    for (const variable of marked) this.#seen[variable] = 0;
    this.#queue.raise(marked);
    this.#addLearnt(short);
  }

  /**
   * Returns whether a literal of the learnt clause is implied by the others (clause minimisation).
   */
  #isImplied(code: number): boolean {
    const reason = this.#reason[code >> 1] as number;
    if (reason === NO_CLAUSE) return false;
    for (let k = reason + this.#length(reason); k > reason; k--) {
      const variable = (this.#clauses.words[k] as number) >> 1;
      const follows = variable === code >> 1 || this.#seen[variable] || this.#level[variable] === 0;
      if (!follows) return false;
    }
    return true;
  }

  #addLearnt(codes: number[]): void {
    let back = 0;
    for (let i = 1; i < codes.length; i++) {
      const level = this.#level[(codes[i] as number) >> 1] as number;
      if (level <= back) continue;
      back = level;
      // Watch the literal of the highest level: it is unassigned first when backjumping.
      [codes[1], codes[i]] = [codes[i] as number, codes[1] as number];
    }
    this.#backtrack(back);
    const clause = codes.length > 1 ? this.#attach(codes) : NO_CLAUSE;
    this.#assign(codes[0] as number, clause);
  }

  /** Returns the assumptions that make an assumption false, with itself. */
  #refute(assumption: number): number[] {
    const core = [assumption];
    if (this.#level[assumption >> 1] === 0) return core;
    this.#seen[assumption >> 1] = 1;
    for (let i = this.#trailLength - 1; i >= (this.#levelStarts[0] as number); i--) {
      const code = this.#trail[i] as number;
      if (!this.#seen[code >> 1]) continue;
      this.#seen[code >> 1] = 0;
      const reason = this.#reason[code >> 1] as number;
      if (reason === NO_CLAUSE) {
        core.push(code);
        continue;
      }
      for (let k = reason + this.#length(reason); k > reason; k--) {
        const variable = (this.#clauses.words[k] as number) >> 1;
        if (this.#level[variable] !== 0 && variable !== code >> 1) this.#seen[variable] = 1;
      }
    }
    return core;
  }

  /** Returns the number of literals of a clause; they follow in the next words. */
  #length(clause: number): number {
    return this.#clauses.words[clause] as number;
  }

  #assign(code: number, reason: number): void {
    const variable = code >> 1;
    this.#values[code] = 1;
    this.#values[code ^ 1] = -1;
    this.#level[variable] = this.#levelStarts.length;
    this.#reason[variable] = reason;
    this.#trail[this.#trailLength++] = code;
  }

  #backtrack(level: number): void {
    if (this.#levelStarts.length <= level) return;
    const start = this.#levelStarts[level] as number;
    for (let i = this.#trailLength - 1; i >= start; i--) {
      const code = this.#trail[i] as number;
      this.#values[code] = 0;
      this.#values[code ^ 1] = 0;
      this.#phase[code >> 1] = (code & 1) ^ 1;
      this.#queue.reopen(code >> 1);
    }
    this.#trailLength = start;
    this.#levelStarts.length = level;
    this.#propagated = start;
  }

  #attach(codes: readonly number[]): number {
    const clause = this.#clauses.add(codes);
    const [first = 0, second = 0] = codes;
    (this.#watches[first] as number[]).push(clause, second);
    (this.#watches[second] as number[]).push(clause, first);
    return clause;
  }

  /** Returns the code of a literal, and creates its variable if needed. */
  #code(literal: number): number {
    const variable = Math.abs(literal);
    if (variable > this.#variables) this.#introduce(variable);
    return literal > 0 ? 2 * variable : 2 * variable + 1;
  }

  #introduce(variable: number): void {
    if (variable >= this.#level.length) {
      const room = 2 * variable;
      this.#values = enlarge(this.#values, new Int8Array(2 * room));
      this.#level = enlarge(this.#level, new Int32Array(room));
      this.#reason = enlarge(this.#reason, new Int32Array(room));
      this.#phase = enlarge(this.#phase, new Uint8Array(room));
      this.#trail = enlarge(this.#trail, new Int32Array(room));
      this.#seen = enlarge(this.#seen, new Uint8Array(room));
    }
    while (this.#variables < variable) {
      this.#watches.push([], []);
      this.#queue.add(++this.#variables);
    }
  }
}

function literalOf(code: number): number {
  return code & 1 ? -(code >> 1) : code >> 1;
}

/** Copies an array into a larger one. */
function enlarge<T extends Int8Array | Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
