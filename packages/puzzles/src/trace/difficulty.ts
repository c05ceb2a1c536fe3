import type { Plot } from "../prompt/plot.js";
import { countPieces } from "../scenario/setting.js";
import { drain, type Search } from "../search.js";
import { searchDeduction } from "./deduce.js";

/** Several measures of a case's difficulty. */
export interface Difficulty {
  numClues: number;
  /** Number of suspects, victim, weapons, rooms, times and motives. */
  numEntities: number;
  /** Number of decisions of a plain search until it finds the truth. */
  numDecisions: number;
  /** Number of deduction steps. */
  numSteps: number;
  /** Number of deduction steps that are proofs by contradiction. */
  numHardSteps: number;
}

/** Measures a case's difficulty. For a large case this takes much longer than generating it. */
export function measureDifficulty(plot: Pick<Plot, "setting" | "clues">): Difficulty {
  return drain(searchDifficulty(plot));
}

/** Measures the same, yielding between attempts. */
export function* searchDifficulty({
  setting,
  clues,
}: Pick<Plot, "setting" | "clues">): Search<Difficulty> {
  const { steps, numDecisions } = yield* searchDeduction(setting, clues, "listed");
  const { rooms, times, motives } = setting;
  return {
    numClues: clues.length,
    numEntities: countPieces(setting) + rooms.length + times.length + motives.length,
    numDecisions,
    numSteps: steps.length,
    numHardSteps: steps.filter(({ hard }) => hard).length,
  };
}
