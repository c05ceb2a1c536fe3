import { type Case, caseId } from "./generate-case.js";
import { randomGuessLevel } from "./grading/replies.js";
import type { PuzzleRecord } from "./tasks/dataset.js";
import type { Difficulty } from "./trace/difficulty.js";

/** A generated case in the form of the dataset files. */
export interface CaseRecord extends PuzzleRecord {
  /** Tier, style, seed, index and, unless it is the first, attempt: "mini-clear-11-42". */
  id: string;
  /** Expected score of random guessing among the listed names. */
  random_guess: number;
  difficulty: Difficulty;
}

/** Makes the record of a case whose difficulty has been measured. */
export function caseRecord(made: Case, difficulty: Difficulty): CaseRecord {
  const { clues, prompt, solution } = made;
  return {
    id: caseId(made),
    num_clues: clues.length,
    prompt,
    solution,
    random_guess: randomGuessLevel(made),
    difficulty,
  };
}
