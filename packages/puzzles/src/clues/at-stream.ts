import type { Rng } from "@gumshoe/core";

import type { Scenario } from "../scenario/scenario.js";
import { countPieces, isShared, pieceRole, type Setting } from "../scenario/setting.js";
import type { AtClue, Subject } from "./clue.js";

/**
 * Generates statements of where each piece was, the pieces in random order, and for each the times
 * in random order. A piece appears under all its names: murderer or murder weapon, its own, its
 * motive.
 *
 * False statements place the piece in a random wrong room. They exclude motives of several
 * suspects, since another one may really have been there.
 *
 * @param veiled  whether pieces appear under names other than their own
 */
export function atStream(
  rng: Rng,
  scenario: Scenario,
  options: { truthful: boolean; veiled: boolean },
): AtClue[] {
  const { setting, truth } = scenario;
  const times = [...setting.times.keys()];
  const pieces = rng.shuffle([...Array(countPieces(setting)).keys()]);
  return pieces.flatMap((piece) => {
    const subjects = subjectsFor(scenario, piece, options);
    return rng.shuffle(times).flatMap((time) => {
      const here = truth.places[piece]?.[time] as number;
      const room = options.truthful ? here : otherRoom(rng, setting, here);
      return subjects.map((subject): AtClue => ({ type: "at", subject, room, time }));
    });
  });
}

function subjectsFor(
  { setting, truth }: Scenario,
  piece: number,
  { truthful, veiled }: { truthful: boolean; veiled: boolean },
): Subject[] {
  const subjects: Subject[] = [{ type: "piece", piece }];
  if (!veiled) return subjects;
  const role = pieceRole(setting, piece);
  if (role.type === "suspect") {
    if (role.suspect === truth.murder.suspect) subjects.unshift({ type: "murderer" });
    const motive = truth.motiveOf[role.suspect];
    const known = motive !== undefined && (truthful || !isShared(setting, motive));
    if (known) subjects.push({ type: "motive", motive });
  } else if (role.type === "weapon" && role.weapon === truth.murder.weapon) {
    subjects.unshift({ type: "murder-weapon" });
  }
  return subjects;
}

function otherRoom(rng: Rng, { rooms }: Setting, here: number): number {
  const room = rng.below(rooms.length - 1);
  return room < here ? room : room + 1;
}
