import { type Direction } from "../scenario/board.js";
import { type ClueType } from "./clue.js";

/** Which clues a tier offers. */
export interface ClueRules {
  /** Sorts of clues. */
  types: readonly ClueType[];
  /** Whether clues speak of "the murderer", "the murder weapon", "the suspect motivated by ...". */
  veiled: boolean;
  /** Ways in which one room lies from another in clues; a clue the other way round is turned. */
  directions: readonly Direction[];
}
