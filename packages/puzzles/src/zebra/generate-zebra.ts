import { Rng } from "@gumshoe/core";

import { minimise } from "../clues/minimise.js";
import { Cdcl } from "../solver/cdcl.js";
import type { SolverFactory } from "../solver/sat-solver.js";
import { drawRow, type Row, type ZebraSize } from "./row.js";
import { drawTrueClues, RULE_BIAS, type ZebraClue } from "./zebra-clue.js";
import { encodeZebra } from "./zebra-clauses.js";
import { writeZebra } from "./zebra-prompt.js";

/**
 * Identifies a puzzle of an endless series. The same values give the same puzzle on every machine.
 */
export interface ZebraName extends ZebraSize {
  seed: number;
  /** Index in the series, from 0. */
  index: number;
  /** Number of the attempt, for another puzzle at the same index; from 0. */
  attempt?: number;
}

/** A puzzle with one solution: its text, and the data behind the text. */
export interface Zebra {
  row: Row;
  clues: readonly ZebraClue[];
  prompt: string;
  /** Answer by letter. */
  solution: Record<string, string>;
}

/** Random stream of zebra puzzles, separate from the other uses of a seed. */
const ZEBRA_STREAM = 0x7a656272;

/**
 * Generates a puzzle: draws the residents of the houses, lists true clues, and removes clues as
 * long as the solution stays unique, which a SAT solver proves. Every remaining clue is needed.
 *
 * @param newSolver  all solvers give the same puzzle
 */
export function generateZebra(name: ZebraName, newSolver: SolverFactory = () => new Cdcl()): Zebra {
  const { seed, houses, attributes, index, attempt = 0 } = name;
  const rng = new Rng(seed, ZEBRA_STREAM, houses, attributes, index, attempt);
  const row = drawRow(rng, name);
  const candidates = drawTrueClues(rng, row)
    .map((clue) => ({ clue, key: RULE_BIAS[clue.rule] + rng.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ clue }) => clue);
  const solver = newSolver();
  try {
    const keep = minimise(solver, encodeZebra(solver, row, candidates));
    if (keep === null) throw new Error("the houses of all values left something open");
    const clues = rng.shuffle(candidates.filter((_, at) => keep[at]));
    return { row, clues, ...writeZebra(rng, row, clues) };
  } finally {
    solver.dispose();
  }
}
