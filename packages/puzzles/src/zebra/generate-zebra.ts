import { Rng } from "@gumshoe/core";

import { minimise } from "../clues/minimise.js";
import { Cdcl } from "../solver/cdcl.js";
import { type SolverFactory } from "../solver/sat-solver.js";
import { drawRow, type Row, type ZebraSize } from "./row.js";
import { drawTrueClues, RULE_BIAS, type ZebraClue } from "./zebra-clue.js";
import { encodeZebra } from "./zebra-clauses.js";
import { writeZebra } from "./zebra-prompt.js";

/** Names one puzzle of an endless series. The same name is the same puzzle on every machine. */
export interface ZebraName extends ZebraSize {
  seed: number;
  /** Place in the series, from 0. */
  index: number;
  /** Another puzzle for the same place, e.g. when the first one is not wanted; from 0. */
  attempt?: number;
}

/** A puzzle with one solution, in words and as what the words say. */
export interface Zebra {
  row: Row;
  clues: readonly ZebraClue[];
  prompt: string;
  /** Answer by letter. */
  solution: Record<string, string>;
}

/** Names the draws of zebra puzzles, so that other uses of a seed do not meet them. */
const ZEBRA_STREAM = 0x7a656272;

/**
 * Makes a puzzle: draws who lives where, lists clues that are true, and drops clues as long as the rest
 * still has one solution, which a SAT solver proves. Every clue that is left is needed.
 *
 * @param newSolver  any solver gives the same puzzle
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
