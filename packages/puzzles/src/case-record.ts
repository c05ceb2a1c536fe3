import { type Case } from "./generate-case.js";
import { randomGuessLevel } from "./grading/replies.js";
import { type PuzzleRecord } from "./tasks/dataset.js";
import { type Difficulty, measureDifficulty } from "./trace/difficulty.js";

/** A generated case as it stands in a file. */
export interface CaseRecord extends PuzzleRecord {
  /** Tier, style, seed and place in the series, e.g. "mini-clear-11-42". */
  id: string;
  /** Expected score of somebody who picks among the listed names. */
  random_guess: number;
  /** Measured when asked for: it takes longer than making the case. */
  difficulty?: Difficulty;
}

/** Makes the record of a case. */
export function caseRecord(made: Case, options: { difficulty?: boolean } = {}): CaseRecord {
  const { tier, style, seed, index, clues, prompt, solution } = made;
  return {
    id: `${tier}-${style}-${seed}-${index}`,
    num_clues: clues.length,
    prompt,
    solution,
    random_guess: randomGuessLevel(made),
    ...(options.difficulty === true && { difficulty: measureDifficulty(made) }),
  };
}
