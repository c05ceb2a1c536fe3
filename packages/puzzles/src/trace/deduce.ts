import type { Clue } from "../clues/clue.js";
import { drain, type Search } from "../search.js";
import type { Setting } from "../scenario/setting.js";
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
 * Order of the clues in a deduction.
 *
 * - `listed`: pass through the clues as they are listed, and use each that yields a fact.
 * - `plainest`: pass through them with plain statements of a place first, and use each that yields
 *   a positive fact; one that only excludes something is used when no other clue is left.
 */
export type ClueOrder = "listed" | "plainest";

/**
 * Deduces the truth, one clue at a time as long as that yields facts; otherwise from a few clues
 * together.
 *
 * @param clues  have one solution; facts that they leave open are never deduced
 */
export function deduce(
  setting: Setting,
  clues: readonly Clue[],
  order: ClueOrder = "listed",
): Trace {
  return drain(searchDeduction(setting, clues, order));
}

/**
 * Deduces the same, yielding between attempts: a hard case takes a tenth of a second.
 *
 * @param isEnough  whether the steps so far are all that is wanted; default: never
 */
export function* searchDeduction(
  setting: Setting,
  clues: readonly Clue[],
  order: ClueOrder,
  isEnough: (steps: readonly Step[]) => boolean = () => false,
): Search<Trace> {
  const solver = new Cdcl();
  const { variables, selectors } = encode(solver, setting, clues);
  solver.solve(selectors);
  const numDecisions = solver.numDecisions;
  const knowledge = new Knowledge(solver, listChoices(variables, setting), order);
  const steps: Step[] = [];
  const learn = (indices: number[], wanted: (facts: Fact[]) => boolean = isAny): boolean => {
    const facts = knowledge.learn(
      indices.map((index) => selectors[index] as number),
      wanted,
    );
    if (facts.length > 0) steps.push({ clues: indices, facts, hard: false });
    return facts.length > 0;
  };
  const sequence = [...clues.keys()];
  if (order === "plainest") {
    sequence.sort((a, b) => Number(!isPlain(clues[a])) - Number(!isPlain(clues[b])));
  }
  const pass = (wanted?: (facts: Fact[]) => boolean) =>
    sequence.map((index) => learn([index], wanted)).includes(true);
  learn([]);
  while (!knowledge.isComplete() && !isEnough(steps)) {
    yield;
    if (order === "plainest" && pass(isPositive)) continue;
    // A clue that only excludes something may open the way for one that states something.
    if (order === "plainest" ? sequence.some((index) => learn([index])) : pass()) continue;
    const step = yield* knowledge.refute(selectors);
    if (step === null) break;
    const indices = step.used.map((selector) => selectors.indexOf(selector)).sort((a, b) => a - b);
    // Consequences by the rules alone belong to the same step.
    steps.push({ clues: indices, facts: [step.fact, ...knowledge.learn([])], hard: true });
  }
  return { steps, numDecisions };
}

function isAny(facts: readonly Fact[]): boolean {
  return facts.length > 0;
}

function isPositive(facts: readonly Fact[]): boolean {
  return facts.some(({ holds }) => holds);
}

function isPlain(clue: Clue | undefined): boolean {
  return clue?.type === "at" && clue.subject.type === "piece";
}

/** Facts whose proofs are minimised before the shortest is chosen. */
const REFUTED_CANDIDATES = 5;

/** Clues, by selector, that refute the contrary of a literal. */
interface Refutation {
  literal: number;
  statement: Fact["statement"];
  used: number[];
}

/** A new fact and its literal. */
interface Found {
  literal: number;
  fact: Fact;
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

  readonly #order: ClueOrder;

  /** @param solver  has just found the truth */
  constructor(solver: Cdcl, choices: readonly Choice[], order: ClueOrder) {
    this.#solver = solver;
    this.#order = order;
    this.#choices = choices;
    this.#asked = new Set(choices.flatMap((choice) => choice.variables));
    this.#truth = new Set([...this.#asked].filter((variable) => solver.value(variable)));
  }

  isComplete(): boolean {
    return this.#choices.every((choice) => this.#isAnswered(choice));
  }

  /** Adds the facts that propagation derives from clues, if they are wanted; returns the new ones. */
  learn(selectors: readonly number[], wanted: (facts: Fact[]) => boolean = isAny): Fact[] {
    const implied = this.#solver.implied(selectors) ?? [];
    const fresh = new Set(
      implied.filter((one) => this.#asked.has(Math.abs(one)) && !this.#known.has(one)),
    );
    if (fresh.size === 0) return [];
    const found = this.#choices.flatMap((choice) => this.#factsOf(choice, fresh));
    if (!wanted(found.map(({ fact }) => fact))) return [];
    for (const literal of fresh) this.#add(literal);
    if (this.#order === "plainest") {
      const rank = new Map(implied.map((literal, position) => [literal, position]));
      const rankOf = ({ literal }: Found) => rank.get(literal) ?? 0;
      found.sort((a, b) => rankOf(a) - rankOf(b));
    }
    return found.map(({ fact }) => fact);
  }

  /** Finds a fact whose contrary is refuted by a few clues, and adds it. */
  *refute(selectors: readonly number[]): Search<{ fact: Fact; used: number[] } | null> {
    const open = this.#choices.filter((choice) => !this.#isAnswered(choice));
    for (const choice of open) {
      this.#rememberCore(choice, selectors);
      yield;
    }
    const candidates = open
      .flatMap((choice) => this.#cores.get(choice) ?? [])
      .sort((a, b) => a.used.length - b.used.length)
      .slice(0, REFUTED_CANDIDATES);
    // More facts are known now than when these clues were found: fewer of them may suffice.
    for (const one of candidates) one.used = yield* this.#shrink(one.literal, one.used);
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
  *#shrink(literal: number, core: readonly number[]): Search<number[]> {
    let used = [...core];
    for (const selector of core) {
      yield;
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

  /** Returns what `news`, not yet added, say about a choice. */
  #factsOf({ variables, statement }: Choice, news: ReadonlySet<number>): Found[] {
    const answer = variables.findIndex((one) => this.#known.has(one) || news.has(one));
    if (answer >= 0) {
      const literal = variables[answer] as number;
      return news.has(literal)
        ? [{ literal, fact: { statement: statement(answer), holds: true } }]
        : [];
    }
    return [...variables.entries()]
      .filter(([, variable]) => news.has(-variable))
      .map(([index, variable]) => ({
        literal: -variable,
        fact: { statement: statement(index), holds: false },
      }));
  }
}
