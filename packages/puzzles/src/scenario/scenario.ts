import type { Rng } from "@gumshoe/core";

import { ScenarioError } from "../errors.js";
import type { Vocabulary } from "../names.js";
import { drawColumns } from "./board.js";
import { carry, movesOf, type SuspectMove, walk, type WeaponMove } from "./movement.js";
import { drawSizes, type SizeRule, type Sizes } from "./sizes.js";
import type { Setting } from "./setting.js";
import { drawTimes } from "./times.js";

/** Murderer, weapon, room and time, by index. */
export interface Murder {
  suspect: number;
  weapon: number;
  room: number;
  time: number;
}

/** The full truth of a case. */
export interface Truth {
  /** Room by piece and time. */
  places: readonly (readonly number[])[];
  /** Motive by suspect; empty when motives play no role. */
  motiveOf: readonly number[];
  murder: Murder;
}

/** A setting, the truth in it, and the moves that clues can state. */
export interface Scenario {
  setting: Setting;
  truth: Truth;
  moves: readonly SuspectMove[];
  weaponMoves: readonly WeaponMove[];
}

/** The parameters of a tier's scenarios. */
export interface ScenarioRules {
  names: Vocabulary;
  sizes: SizeRule;
  board: "row" | "grid";
  /** Probability that a character changes rooms between two times. */
  moveChance: number;
  /** Probability that a carrier who changes rooms takes the weapon along. */
  takeChance: number;
  /** Probability that every suspect has a different motive. */
  uniqueMotives: number;
}

const MURDER_TRIES = 10;
/**
 * Few shapes fail more often than one time in four; this many failures in a row mean that none can
 * succeed.
 */
const SCENARIO_TRIES = 60;

/**
 * Draws a scenario in which a murder is possible: a suspect is alone in a room with a weapon.
 *
 * @throws ScenarioError when many attempts gave none
 */
export function drawScenario(rng: Rng, rules: ScenarioRules): Scenario {
  const { names } = rules;
  const pool = {
    suspects: names.suspect.length,
    weapons: names.weapon.length,
    rooms: names.room.length,
    times: Infinity,
    motives: names.motive.length,
  };
  for (let tries = 0; tries < SCENARIO_TRIES; tries++) {
    const sizes = drawSizes(rng, rules.sizes, pool, rules.uniqueMotives);
    const scenario = tryScenario(rng, rules, sizes);
    if (scenario !== null) return scenario;
  }
  throw new ScenarioError(SCENARIO_TRIES, JSON.stringify(rules.sizes));
}

function tryScenario(rng: Rng, rules: ScenarioRules, sizes: Sizes): Scenario | null {
  const { names, moveChance, takeChance } = rules;
  const board = {
    suspects: rng.shuffle(names.suspect).slice(0, sizes.suspects),
    weapons: rng.shuffle(names.weapon).slice(0, sizes.weapons),
    rooms: rng.shuffle(names.room).slice(0, sizes.rooms),
    columns: drawColumns(rng, sizes.rooms, rules.board),
    times: drawTimes(rng, sizes.times),
  };
  const motives = drawMotives(rng, rng.shuffle(names.motive).slice(0, sizes.motives), sizes);
  const times = sizes.times;
  const path = { times, moveChance };
  const suspects = board.suspects.map(() =>
    walk(rng, board, { ...path, start: rng.below(sizes.rooms) }),
  );
  const weapons = board.weapons.map((_, weapon) =>
    carry(rng, suspects, { weapon, start: rng.below(sizes.rooms), times, takeChance }),
  );
  const weaponRooms = weapons.map(({ rooms }) => rooms);
  const murder = drawMurder(rng, suspects, weaponRooms);
  if (murder === null) return null;
  // The victim's walk to the murder is drawn backwards; afterwards the body does not move.
  const before = walk(rng, board, { start: murder.room, times: murder.time + 1, moveChance });
  const victim = Array.from({ length: times }, (_, time) =>
    time < murder.time ? (before[murder.time - time] as number) : murder.room,
  );
  return {
    setting: { ...board, motives: motives.names, motiveCounts: motives.counts },
    truth: { places: [...suspects, victim, ...weaponRooms], motiveOf: motives.motiveOf, murder },
    moves: suspects.flatMap((rooms, suspect) => movesOf(suspect, rooms)),
    weaponMoves: weapons.flatMap(({ moves }) => moves),
  };
}

/**
 * Assigns a motive to every suspect; unassigned motives, and a single remaining one, are dropped.
 */
function drawMotives(
  rng: Rng,
  pool: readonly string[],
  sizes: Sizes,
): { names: string[]; counts: number[]; motiveOf: number[] } {
  const all = [...pool.keys()];
  const drawn = sizes.uniqueMotives
    ? rng.shuffle(all)
    : Array.from({ length: sizes.suspects }, () => rng.pick(all));
  const used = all.filter((motive) => drawn.includes(motive));
  if (used.length < 2) return { names: [], counts: [], motiveOf: [] };
  return {
    names: used.map((motive) => pool[motive] as string),
    counts: used.map((motive) => drawn.filter((other) => other === motive).length),
    motiveOf: drawn.map((motive) => used.indexOf(motive)),
  };
}

function drawMurder(
  rng: Rng,
  suspects: readonly (readonly number[])[],
  weapons: readonly (readonly number[])[],
): Murder | null {
  for (let tries = 0; tries < MURDER_TRIES; tries++) {
    const suspect = rng.below(suspects.length);
    const time = rng.below(suspects[0]?.length ?? 1);
    const room = suspects[suspect]?.[time] as number;
    const alone = suspects.every((rooms, other) => other === suspect || rooms[time] !== room);
    const atHand = [...weapons.keys()].filter((weapon) => weapons[weapon]?.[time] === room);
    if (alone && atHand.length > 0) return { suspect, weapon: rng.pick(atHand), room, time };
  }
  return null;
}
