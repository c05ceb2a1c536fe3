import type { Rng } from "@gumshoe/core";

import type { SuspectMove } from "../scenario/movement.js";
import type { Scenario } from "../scenario/scenario.js";
import type { MoveClue, Subject, WeaponMoveClue } from "./clue.js";

/** Generates clues of suspects who changed rooms, for the first moves up to a number. */
export function moveClues(
  rng: Rng,
  scenario: Scenario,
  count: number,
  veiled: boolean,
): MoveClue[] {
  return rng
    .shuffle(scenario.moves)
    .flatMap((move) =>
      movers(scenario, move, veiled).map((subject): MoveClue => ({
        type: "move",
        subject,
        ...route(move),
      })),
    )
    .slice(0, count);
}

/** Generates clues of suspects who carried a weapon to another room, for all such moves. */
export function weaponMoveClues(scenario: Scenario, veiled: boolean): WeaponMoveClue[] {
  return scenario.weaponMoves.flatMap((move) => {
    const clue = (subject: Subject, weapon: number | null): WeaponMoveClue => {
      return { type: "weapon-move", subject, weapon, ...route(move) };
    };
    const known = movers(scenario, move, veiled).map((subject) => clue(subject, move.weapon));
    const isMurderWeapon = move.weapon === scenario.truth.murder.weapon;
    return veiled && isMurderWeapon
      ? [...known, clue({ type: "piece", piece: move.suspect }, null)]
      : known;
  });
}

/** Lists the names under which a moving suspect may appear. */
function movers({ truth }: Scenario, { suspect }: SuspectMove, veiled: boolean): Subject[] {
  const plain: Subject = { type: "piece", piece: suspect };
  if (!veiled) return [plain];
  const motive = truth.motiveOf[suspect];
  return [
    ...(suspect === truth.murder.suspect ? [{ type: "murderer" } as const] : []),
    ...(motive !== undefined ? [{ type: "motive", motive } as const] : []),
    plain,
  ];
}

function route({ from, to, time }: SuspectMove): { from: number; to: number; time: number } {
  return { from, to, time };
}
