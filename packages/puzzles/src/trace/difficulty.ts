import { type Plot } from "../prompt/plot.js";
import { countPieces } from "../scenario/setting.js";
import { deduce } from "./deduce.js";

/** How hard a case is, by several measures. */
export interface Difficulty {
  numClues: number;
  /** Suspects, victim, weapons, rooms, times and motives. */
  numEntities: number;
  /** Decisions of a plain search on the way to what happened. */
  numDecisions: number;
  /** Length of the deduction. */
  numSteps: number;
  /** Steps of it that take thinking ahead. */
  numHardSteps: number;
}

/** Measures how hard a case is. Takes much longer than making it where the case is large. */
export function measureDifficulty({ setting, clues }: Pick<Plot, "setting" | "clues">): Difficulty {
  const { steps, numDecisions } = deduce(setting, clues);
  const { rooms, times, motives } = setting;
  return {
    numClues: clues.length,
    numEntities: countPieces(setting) + rooms.length + times.length + motives.length,
    numDecisions,
    numSteps: steps.length,
    numHardSteps: steps.filter(({ hard }) => hard).length,
  };
}
