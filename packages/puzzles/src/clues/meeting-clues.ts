import type { Rng } from "@gumshoe/core";

import { type Direction, directionTo } from "../scenario/board.js";
import type { Scenario } from "../scenario/scenario.js";
import { pieceRole } from "../scenario/setting.js";
import type { BesideClue, Clue, Subject } from "./clue.js";
import type { ClueRules } from "./clue-rules.js";

/** Probability that the murderer and the murder weapon appear under these names, where allowed. */
const HIDDEN_CHANCE = 0.66;

/**
 * Generates clues of two pieces that met: in one room at a given time, or in a given room at any
 * time.
 */
export function meetingClues(
  rng: Rng,
  scenario: Scenario,
  count: number,
  { types, veiled }: Pick<ClueRules, "types" | "veiled">,
): Clue[] {
  const clues: Clue[] = [];
  for (const time of rng.shuffle([...scenario.setting.times.keys()])) {
    for (const { room, pieces } of rng.shuffle(occupiedRooms(scenario, time))) {
      if (pieces.length < 2) continue;
      if (clues.length >= count) return clues;
      const [first = 0, piece = 0] = rng.shuffle(pieces);
      const subject: Subject = veiled
        ? veil(rng, scenario, first, piece)
        : { type: "piece", piece: first };
      const sameRoom =
        types.includes("same-room") && (!types.includes("together") || rng.chance(0.5));
      if (sameRoom) clues.push({ type: "same-room", subject, piece, time });
      // With one time this would directly state both places.
      else if (scenario.setting.times.length > 1) {
        clues.push({ type: "together", subject, piece, room });
      }
    }
  }
  return clues;
}

/** Replaces a piece by its role or motive, unless the other piece is of the same kind. */
function veil(rng: Rng, { setting, truth }: Scenario, piece: number, other: number): Subject {
  const role = pieceRole(setting, piece);
  const otherType = pieceRole(setting, other).type;
  if (role.type === "suspect" && otherType !== "suspect") {
    if (role.suspect === truth.murder.suspect && rng.chance(HIDDEN_CHANCE)) {
      return { type: "murderer" };
    }
    const motive = truth.motiveOf[role.suspect];
    if (motive !== undefined && rng.chance(0.5)) return { type: "motive", motive };
  }
  if (role.type === "weapon" && otherType !== "weapon") {
    const isMurderWeapon = role.weapon === truth.murder.weapon;
    if (isMurderWeapon && rng.chance(HIDDEN_CHANCE)) return { type: "murder-weapon" };
  }
  return { type: "piece", piece };
}

/** Generates clues of two pieces in adjacent rooms; attempts that find none yield no clue. */
export function besideClues(
  rng: Rng,
  scenario: Scenario,
  count: number,
  directions: readonly Direction[],
): BesideClue[] {
  const clues: BesideClue[] = [];
  for (let attempt = 0; attempt < count; attempt++) {
    const time = rng.below(scenario.setting.times.length);
    const [here, there] = rng.shuffle(occupiedRooms(scenario, time));
    if (here === undefined || there === undefined) continue;
    const piece = rng.pick(here.pieces);
    const other = rng.pick(there.pieces);
    const direction = directionTo(scenario.setting, there.room, here.room);
    const opposite = directionTo(scenario.setting, here.room, there.room);
    if (direction === null || opposite === null) continue;
    if (directions.includes(direction)) {
      clues.push({ type: "beside", piece, other, direction, time });
    } else if (directions.includes(opposite)) {
      clues.push({ type: "beside", piece: other, other: piece, direction: opposite, time });
    }
  }
  return clues;
}

/** Lists the rooms that hold pieces at a time, with these pieces, in room order. */
function occupiedRooms(
  { setting, truth }: Scenario,
  time: number,
): { room: number; pieces: number[] }[] {
  const byRoom = setting.rooms.map((_, room) => ({ room, pieces: [] as number[] }));
  truth.places.forEach((rooms, piece) => byRoom[rooms[time] as number]?.pieces.push(piece));
  return byRoom.filter(({ pieces }) => pieces.length > 0);
}
