import { Rng } from "@gumshoe/core";

import { checkTier } from "./check-tier.js";
import { clueBias } from "./clues/bias.js";
import { drawCandidates } from "./clues/candidates.js";
import type { Clue } from "./clues/clue.js";
import { minimise } from "./clues/minimise.js";
import type { AnswerSheet } from "./grading/replies.js";
import type { Plot } from "./prompt/plot.js";
import { drawQueries } from "./prompt/questions.js";
import type { Style } from "./prompt/style.js";
import { writeCase } from "./prompt/write-case.js";
import { drawScenario, type Scenario } from "./scenario/scenario.js";
import { Cdcl } from "./solver/cdcl.js";
import { encode, excludeTruth } from "./solver/encoding.js";
import type { SolverFactory } from "./solver/sat-solver.js";
import { type Tier, type TierName, TIERS } from "./tiers.js";

/** Identifies a case of an endless series. The same values give the same case on every machine. */
export interface CaseName {
  tier: TierName;
  style: Style;
  seed: number;
  /** Index in the series, from 0. */
  index: number;
}

/** A case with a proof that it has one solution: its text, and the data behind the text. */
export interface Case extends CaseName, Plot, AnswerSheet {
  /** Attempt at its index: 0 for the first. */
  attempt: number;
  prompt: string;
}

/** Formats a case's id, with the attempt unless it is the first: "mini-clear-11-42-3". */
export function caseId({
  tier,
  style,
  seed,
  index,
  attempt,
}: CaseName & { attempt: number }): string {
  return `${tier}-${style}-${seed}-${index}${attempt === 0 ? "" : `-${attempt}`}`;
}

/** Random stream of cases, separate from the other uses of a seed. */
const CASE_STREAM = 0x63617365;

/** The default solver: fast on small instances, and needs no loading. */
const OWN_SOLVER: SolverFactory = () => new Cdcl();

/**
 * Generates a case: draws what happened, lists the clues that determine it, and removes clues as
 * long as the solution stays unique, which a SAT solver proves.
 *
 * @param options.attempt  number of the attempt, for another case at the same index
 * @param options.solver   all solvers give the same case
 */
export function generateCase(
  options: CaseName & { attempt?: number; solver?: SolverFactory },
): Case {
  const { tier, style, seed, index, attempt = 0, solver = OWN_SOLVER } = options;
  const rng = new Rng(seed, CASE_STREAM, index, attempt);
  const plot = generatePlot(rng, TIERS[tier], solver);
  return { tier, style, seed, index, attempt, ...plot, ...writeCase(plot, style) };
}

/**
 * Generates a case of any tier, in the table or not, before it is worded.
 *
 * @throws TierError      when cases of the tier are impossible
 * @throws ScenarioError  when they are too rare
 */
export function generatePlot(rng: Rng, tier: Tier, solver: SolverFactory = OWN_SOLVER): Plot {
  checkTier(tier);
  const scenario = drawScenario(rng, tier.scenario);
  const { clues, statements } = drawCandidates(rng, scenario, tier.clues);
  const kept = selectClues(rng, scenario, clues, { tier, solver });
  const queries = drawQueries(rng, scenario, { kept, statements }, tier.questions);
  return { setting: scenario.setting, clues: rng.shuffle(kept), queries, truth: scenario.truth };
}

function selectClues(
  rng: Rng,
  scenario: Scenario,
  candidates: readonly Clue[],
  { tier, solver: newSolver }: { tier: Tier; solver: SolverFactory },
): Clue[] {
  const ordered = candidates
    .map((clue) => ({ clue, key: clueBias(clue, tier.bias) + rng.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ clue }) => clue);
  const solver = newSolver();
  try {
    const { variables, selectors } = encode(solver, scenario.setting, ordered);
    excludeTruth(solver, variables, scenario);
    const keep = minimise(solver, selectors);
    if (keep === null) throw new Error("all statements together left something open");
    return ordered.filter((_, index) => keep[index]);
  } finally {
    solver.dispose();
  }
}
