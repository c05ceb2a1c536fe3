import type { Direction } from "../scenario/board.js";
import type { ClueType } from "./clue.js";

/** The clues that a tier uses. */
export interface ClueRules {
  types: readonly ClueType[];
  /** Whether clues speak of "the murderer", "the murder weapon", "the suspect motivated by ...". */
  veiled: boolean;
  /** Directions that clues use; a clue with an opposite direction is rephrased. */
  directions: readonly Direction[];
}
