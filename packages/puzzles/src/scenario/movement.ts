import type { Rng } from "@gumshoe/core";

import { type Board, neighbours } from "./board.js";

/** A suspect who changed rooms; `time` is that of the arrival. */
export interface SuspectMove {
  suspect: number;
  time: number;
  from: number;
  to: number;
}

/** A weapon that a suspect carried to another room. */
export interface WeaponMove extends SuspectMove {
  weapon: number;
}

/** Draws a character's walk through the night: at each time a step to an adjacent room, or none. */
export function walk(
  rng: Rng,
  board: Board,
  path: { start: number; times: number; moveChance: number },
): number[] {
  const rooms = [path.start];
  for (let time = 1; time < path.times; time++) {
    const here = rooms[time - 1] as number;
    rooms.push(rng.chance(path.moveChance) ? rng.pick(neighbours(board, here)) : here);
  }
  return rooms;
}

/** Lists the steps of a suspect's walk. */
export function movesOf(suspect: number, rooms: readonly number[]): SuspectMove[] {
  return rooms.flatMap((to, time) => {
    const from = rooms[time - 1];
    return from === undefined || from === to ? [] : [{ suspect, time, from, to }];
  });
}

/**
 * Draws how suspects carry a weapon. After each step, one of the suspects in the weapon's room
 * picks it up, and usually takes it along when walking on.
 *
 * As in the public set, no suspect holds the weapon at the first time, so it never moves in the
 * first step; the rules stated in the case do not say so.
 *
 * @param suspects  room by suspect and time
 */
export function carry(
  rng: Rng,
  suspects: readonly (readonly number[])[],
  path: { weapon: number; start: number; times: number; takeChance: number },
): { rooms: number[]; moves: WeaponMove[] } {
  const rooms = [path.start];
  const moves: WeaponMove[] = [];
  let carrier: number | null = null;
  for (let time = 1; time < path.times; time++) {
    const from = rooms[time - 1] as number;
    let here = from;
    const to = carrier === null ? from : (suspects[carrier]?.[time] ?? from);
    if (carrier !== null && to !== from && rng.chance(path.takeChance)) {
      here = to;
      moves.push({ weapon: path.weapon, suspect: carrier, time, from, to });
    }
    rooms.push(here);
    const present = [...suspects.keys()].filter((suspect) => suspects[suspect]?.[time] === here);
    carrier = present.length > 0 ? rng.pick(present) : null;
  }
  return { rooms, moves };
}
