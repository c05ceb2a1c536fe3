import { CLUE_TYPES } from "./clues/clue.js";
import { TierError } from "./errors.js";
import { DIRECTIONS } from "./scenario/board.js";
import type { SizeRule } from "./scenario/sizes.js";
import type { Tier } from "./tiers.js";

/** Number of letters that can label questions. */
const MAX_QUESTIONS = 26;

/**
 * Checks that cases of a tier are possible.
 *
 * @throws TierError naming the parameter
 */
export function checkTier({ scenario, clues, questions }: Tier): void {
  const { names, sizes } = scenario;
  for (const [field, all] of Object.entries(names) as [string, readonly string[]][]) {
    demand(new Set(all).size === all.length, `names.${field}`, "must not hold a name twice");
  }
  if (sizes.type === "players") checkPlayers(sizes);
  else checkLists(sizes, scenario);
  for (const field of ["moveChance", "takeChance", "uniqueMotives"] as const) {
    const chance = scenario[field];
    demand(chance >= 0 && chance <= 1, field, "must be a chance, from 0 to 1");
  }
  const unknown = clues.types.find((type) => !CLUE_TYPES.includes(type));
  demand(unknown === undefined, "clues.types", `${unknown} is no sort of clue`);
  const noWay = clues.directions.find((direction) => !DIRECTIONS.includes(direction));
  demand(noWay === undefined, "clues.directions", `${noWay} is no direction`);
  const { min, max } = questions;
  demand(Number.isInteger(min) && min >= 0 && min <= max, "questions.min", "must be 0 to max");
  demand(
    Number.isInteger(max) && max >= 1 && max <= MAX_QUESTIONS,
    "questions.max",
    "must be 1 to 26",
  );
}

function checkPlayers({ players, limits = {} }: Extract<SizeRule, { type: "players" }>): void {
  const [min, max] = players;
  const whole = Number.isInteger(min) && Number.isInteger(max);
  demand(whole && min >= 1 && min <= max, "sizes.players", "must be two whole numbers, 1 or more");
  const least = { suspects: 2, weapons: 2, rooms: 2, times: 1, motives: 1 };
  for (const [field, limit] of Object.entries(limits)) {
    const low = least[field as keyof typeof least];
    const fits = Number.isInteger(limit) && limit >= low;
    demand(fits, `sizes.limits.${field}`, `must be a whole number, ${low} or more`);
  }
}

function checkLists(
  sizes: Extract<SizeRule, { type: "lists" }>,
  { names, board }: Tier["scenario"],
): void {
  const bounds = {
    suspects: [1, names.suspect.length],
    weapons: [1, names.weapon.length],
    rooms: [2, names.room.length],
    times: [1, MAX_TIMES],
    motives: [1, names.motive.length],
  } as const;
  for (const [field, [low, high]] of Object.entries(bounds)) {
    const values = sizes[field as keyof typeof bounds];
    const fits = values.every((value) => Number.isInteger(value) && value >= low && value <= high);
    const rule = `must be a list of whole numbers from ${low} to ${high}`;
    demand(values.length > 0 && fits, `sizes.${field}`, rule);
  }
  demand(board === "row" || board === "grid", "board", "must be row or grid");
}

/** Times may be an hour apart: with more of them, labels would repeat after 24 hours. */
const MAX_TIMES = 24;

function demand(holds: boolean, field: string, problem: string): void {
  if (!holds) throw new TierError(field, problem);
}
