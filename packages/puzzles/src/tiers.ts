import type { BiasShift } from "./clues/bias.js";
import type { ClueRules } from "./clues/clue-rules.js";
import { CLUE_TYPES } from "./clues/clue.js";
import { ALL_NAMES, CLASSIC_NAMES } from "./names.js";
import type { QuestionRules } from "./prompt/questions.js";
import { DIRECTIONS } from "./scenario/board.js";
import type { ScenarioRules } from "./scenario/scenario.js";

/** The parameters of a tier's cases. */
export interface Tier {
  scenario: ScenarioRules;
  clues: ClueRules;
  /** Makes types of clues more or less frequent. */
  bias: BiasShift;
  questions: QuestionRules;
}

/** Sizes of cases, ascending; `dataset` has the size distribution of the public set. */
export type TierName = "mini" | "easy" | "medium" | "hard" | "dataset";

/** The names of the tiers, in ascending size. */
export const TIER_NAMES: readonly TierName[] = ["mini", "easy", "medium", "hard", "dataset"];

/** Returns a tier whose sizes are drawn as in the public set, for a range of players. */
function playersTier(min: number, max: number): Tier {
  return {
    scenario: {
      names: ALL_NAMES,
      sizes: { type: "players", players: [min, max] },
      board: "grid",
      moveChance: 0.5,
      takeChance: 0.8,
      uniqueMotives: 0.5,
    },
    clues: { types: CLUE_TYPES, veiled: true, directions: DIRECTIONS },
    bias: {},
    questions: { min: 2, max: 8, bonus: "few" },
  };
}

/**
 * The tiers. `mini` is for the smallest models: rooms in a row, usually one time and no motives,
 * and mostly clues that need one deduction step.
 */
export const TIERS: Readonly<Record<TierName, Tier>> = {
  mini: {
    scenario: {
      names: CLASSIC_NAMES,
      sizes: {
        type: "lists",
        suspects: [2, 3],
        weapons: [2],
        rooms: [2, 3, 3, 4],
        // One case in twenty has two times, one in ten has motives.
        times: [...Array<number>(19).fill(1), 2],
        motives: [...Array<number>(9).fill(1), 3],
      },
      board: "row",
      moveChance: 0.5,
      takeChance: 0.8,
      uniqueMotives: 1,
    },
    clues: {
      types: ["solution", "at", "motive", "either", "same-room", "move", "beside"],
      veiled: false,
      directions: ["west"],
    },
    bias: { at: 0.5, either: 0.15 },
    questions: { min: 3, max: 5, bonus: "any" },
  },
  easy: playersTier(1, 2),
  medium: playersTier(3, 4),
  hard: playersTier(5, 6),
  dataset: playersTier(1, 6),
};
