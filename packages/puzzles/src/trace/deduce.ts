import { type Clue } from "../clues/clue.js";
import { type Setting } from "../scenario/setting.js";
import { Cdcl } from "../solver/cdcl.js";
import { encode } from "../solver/encoding.js";
import { type Choice, type Fact, listChoices } from "./fact.js";

/** One step of a deduction: the facts that follow from clues and the earlier steps. */
export interface Step {
  /** Indices of the clues; empty when the rules alone imply the facts. */
  clues: number[];
  /** The new facts. Negative facts are omitted if they follow from positive ones. */
  facts: Fact[];
  /** Whether the step is a proof by contradiction: the contrary is assumed until it fails. */
  hard: boolean;
}

/** A deduction from the clues to the full truth. */
export interface Trace {
  steps: Step[];
  /** Number of decisions of a plain search until it finds the truth. */
  numDecisions: number;
}

/**
 * Deduces the truth, one clue at a time as long as that yields facts; otherwise from a few clues
 * together.
 *
 * @param clues  have one solution; facts that they leave open are never deduced
 */
export function deduce(setting: Setting, clues: readonly Clue[]): Trace {
  const solver = new Cdcl();
  const { variables, selectors } = encode(solver, setting, clues);
  solver.solve(selectors);
  const numDecisions = solver.numDecisions;
  const knowledge = new Knowledge(solver, listChoices(variables, setting));
  const steps: Step[] = [];
  const learn = (indices: number[]): boolean => {
    const facts = knowledge.learn(indices.map((index) => selectors[index] as number));
    if (facts.length > 0) steps.push({ clues: indices, facts, hard: false });
    return facts.length > 0;
  };
  learn([]);
  while (!knowledge.isComplete()) {
    const progress = clues.map((_, index) => learn([index])).includes(true);
    if (progress) continue;
    const step = knowledge.refute(selectors);
    if (step === null) break;
    const indices = step.used.map((selector) => selectors.indexOf(selector)).sort((a, b) => a - b);
    // Consequences by the rules alone belong to the same step.
    steps.push({ clues: indices, facts: [step.fact, ...knowledge.learn([])], hard: true });
  }
  return { steps, numDecisions };
}

/** Facts whose proofs are minimised before the shortest is chosen. */
const REFUTED_CANDIDATES = 5;

/** Clues, by selector, that refute the contrary of a literal. */
interface Refutation {
  literal: number;
  statement: Fact["statement"];
  used: number[];
}

/** The facts known so far. They are added to the solver, so that later steps build on them. */
class Knowledge {
  readonly #solver: Cdcl;
  readonly #choices: readonly Choice[];
  readonly #asked: ReadonlySet<number>;
  /** The variables that are true in the truth. */
  readonly #truth: ReadonlySet<number>;
  readonly #known = new Set<number>();
  /** The refutation of all wrong answers to a choice, once computed. */
  readonly #cores = new Map<Choice, Refutation>();

  /** @param solver  has just found the truth */
  constructor(solver: Cdcl, choices: readonly Choice[]) {
    this.#solver = solver;
    this.#choices = choices;
    this.#asked = new Set(choices.flatMap((choice) => choice.variables));
    this.#truth = new Set([...this.#asked].filter((variable) => solver.value(variable)));
  }

  isComplete(): boolean {
    return this.#choices.every((choice) => this.#isAnswered(choice));
  }

  /** Adds the facts that propagation derives from clues; returns the new ones. */
  learn(selectors: readonly number[]): Fact[] {
    const implied = this.#solver.implied(selectors) ?? [];
    const fresh = new Set(
      implied.filter((one) => this.#asked.has(Math.abs(one)) && !this.#known.has(one)),
    );
    for (const literal of fresh) this.#add(literal);
    if (fresh.size === 0) return [];
    return this.#choices.flatMap((choice) => this.#factsOf(choice, fresh));
  }

  /** Finds a fact whose contrary is refuted by a few clues, and adds it. */
  refute(selectors: readonly number[]): { fact: Fact; used: number[] } | null {
    const open = this.#choices.filter((choice) => !this.#isAnswered(choice));
    for (const choice of open) this.#rememberCore(choice, selectors);
    const candidates = open
      .flatMap((choice) => this.#cores.get(choice) ?? [])
      .sort((a, b) => a.used.length - b.used.length)
      .slice(0, REFUTED_CANDIDATES);
    // More facts are known now than when these clues were found: fewer of them may suffice.
    for (const one of candidates) one.used = this.#shrink(one.literal, one.used);
    const best = candidates.sort((a, b) => a.used.length - b.used.length)[0];
    if (best === undefined) return null;
    this.#add(best.literal);
    return { fact: { statement: best.statement, holds: true }, used: best.used };
  }

  /** Computes, once for each choice, clues that together refute all wrong answers. */
  #rememberCore(choice: Choice, selectors: readonly number[]): void {
    if (this.#cores.has(choice)) return;
    const answer = choice.variables.findIndex((variable) => this.#truth.has(variable));
    const literal = choice.variables[answer];
    if (literal === undefined || this.#solver.solve([-literal, ...selectors])) return;
    const used = this.#solver.core().filter((one) => one !== -literal);
    this.#cores.set(choice, { literal, statement: choice.statement(answer), used });
  }

  /** Removes clues without which the contrary is still refuted. */
  #shrink(literal: number, core: readonly number[]): number[] {
    let used = [...core];
    for (const selector of core) {
      const rest = used.filter((one) => one !== selector);
      if (!this.#solver.solve([-literal, ...rest])) used = rest;
    }
    return used;
  }

  #add(literal: number): void {
    this.#known.add(literal);
    this.#solver.addClause([literal]);
  }

  #isAnswered({ variables }: Choice): boolean {
    return variables.some((variable) => this.#known.has(variable));
  }

  #factsOf({ variables, statement }: Choice, news: ReadonlySet<number>): Fact[] {
    const answer = variables.findIndex((variable) => this.#known.has(variable));
    if (answer >= 0) {
      const isNew = news.has(variables[answer] as number);
      return isNew ? [{ statement: statement(answer), holds: true }] : [];
    }
    return [...variables.keys()]
      .filter((index) => news.has(-(variables[index] as number)))
      .map((index) => ({ statement: statement(index), holds: false }));
  }
}
