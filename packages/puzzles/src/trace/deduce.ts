import { type Clue } from "../clues/clue.js";
import { type Setting } from "../scenario/setting.js";
import { Cdcl } from "../solver/cdcl.js";
import { encode } from "../solver/encoding.js";
import { type Choice, type Fact, listChoices } from "./fact.js";

/** One step of a deduction: what clues show, given all that the steps before have shown. */
export interface Step {
  /** Clues, by index; none where the rules alone show it. */
  clues: number[];
  /** What is new. What did not happen is left out where it follows from what did. */
  facts: Fact[];
  /** Whether it takes thinking ahead: assuming the contrary until it fails. */
  hard: boolean;
}

/** A deduction from clues to everything that happened. */
export interface Trace {
  steps: Step[];
  /** Decisions that a plain search makes until it has found what happened. */
  numDecisions: number;
}

/**
 * Deduces what happened, one clue at a time as long as that leads anywhere; else by few clues
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
    // What follows from it by the rules alone is seen at once.
    steps.push({ clues: indices, facts: [step.fact, ...knowledge.learn([])], hard: true });
  }
  return { steps, numDecisions };
}

/** Facts whose proofs are shortened before the shortest is taken. */
const REFUTED_CANDIDATES = 5;

/** Clues, by selector, that rule out the contrary of a literal. */
interface Refutation {
  literal: number;
  statement: Fact["statement"];
  used: number[];
}

/** What is known so far. It is given to the solver, so that every further step rests on it. */
class Knowledge {
  readonly #solver: Cdcl;
  readonly #choices: readonly Choice[];
  readonly #asked: ReadonlySet<number>;
  /** The variables that are true in what happened. */
  readonly #truth: ReadonlySet<number>;
  readonly #known = new Set<number>();
  /** What rules out the contrary of a choice's right answer, once that has been looked for. */
  readonly #cores = new Map<Choice, Refutation>();

  /** @param solver  has just found what happened */
  constructor(solver: Cdcl, choices: readonly Choice[]) {
    this.#solver = solver;
    this.#choices = choices;
    this.#asked = new Set(choices.flatMap((choice) => choice.variables));
    this.#truth = new Set([...this.#asked].filter((variable) => solver.value(variable)));
  }

  isComplete(): boolean {
    return this.#choices.every((choice) => this.#isAnswered(choice));
  }

  /** Adds what follows at once from clues; returns what is new of it. */
  learn(selectors: readonly number[]): Fact[] {
    const implied = this.#solver.implied(selectors) ?? [];
    const fresh = new Set(
      implied.filter((one) => this.#asked.has(Math.abs(one)) && !this.#known.has(one)),
    );
    for (const literal of fresh) this.#add(literal);
    if (fresh.size === 0) return [];
    return this.#choices.flatMap((choice) => this.#factsOf(choice, fresh));
  }

  /** Finds a fact whose contrary few clues together rule out, and adds it. */
  refute(selectors: readonly number[]): { fact: Fact; used: number[] } | null {
    const open = this.#choices.filter((choice) => !this.#isAnswered(choice));
    for (const choice of open) this.#rememberCore(choice, selectors);
    const candidates = open
      .flatMap((choice) => this.#cores.get(choice) ?? [])
      .sort((a, b) => a.used.length - b.used.length)
      .slice(0, REFUTED_CANDIDATES);
    // By now more is known than when the clues were found; fewer of them may do.
    for (const one of candidates) one.used = this.#shrink(one.literal, one.used);
    const best = candidates.sort((a, b) => a.used.length - b.used.length)[0];
    if (best === undefined) return null;
    this.#add(best.literal);
    return { fact: { statement: best.statement, holds: true }, used: best.used };
  }

  /** Finds clues, once for each choice, that together rule out all but the right answer. */
  #rememberCore(choice: Choice, selectors: readonly number[]): void {
    if (this.#cores.has(choice)) return;
    const answer = choice.variables.findIndex((variable) => this.#truth.has(variable));
    const literal = choice.variables[answer];
    if (literal === undefined || this.#solver.solve([-literal, ...selectors])) return;
    const used = this.#solver.core().filter((one) => one !== -literal);
    this.#cores.set(choice, { literal, statement: choice.statement(answer), used });
  }

  /** Leaves out clues without which the contrary is ruled out just as well. */
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
