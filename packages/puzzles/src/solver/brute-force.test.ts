import { expect, test } from "vitest";

import type { AtClue, Clue } from "../clues/clue.js";
import { generateCase } from "../generate-case.js";
import { neighbour } from "../scenario/board.js";
import type { Murder } from "../scenario/scenario.js";
import type { Setting } from "../scenario/setting.js";

/**
 * A possible world of a case with one time and no motives: the room of each piece, and the crime.
 */
interface World {
  rooms: number[];
  murder: Murder;
}

/** Enumerates all possible worlds, without solver and encoding. */
function* worlds({ suspects, weapons, rooms }: Setting): Generator<World> {
  const pieces = suspects.length + 1 + weapons.length;
  for (let number = 0; number < rooms.length ** pieces; number++) {
    const places = Array.from({ length: pieces }, (_, piece) => {
      return Math.floor(number / rooms.length ** piece) % rooms.length;
    });
    const room = places[suspects.length] as number;
    const present = [...suspects.keys()].filter((suspect) => places[suspect] === room);
    const suspect = present[0];
    if (present.length !== 1 || suspect === undefined) continue;
    for (const weapon of weapons.keys()) {
      if (places[suspects.length + 1 + weapon] !== room) continue;
      yield { rooms: places, murder: { suspect, weapon, room, time: 0 } };
    }
  }
}

function holds(setting: Setting, { rooms, murder }: World, clue: Clue): boolean {
  const isAt = (at: AtClue) => at.subject.type === "piece" && rooms[at.subject.piece] === at.room;
  switch (clue.type) {
    case "solution":
      if (clue.part === "murderer") return murder.suspect === clue.value;
      return (clue.part === "weapon" ? murder.weapon : murder.room) === clue.value;
    case "at":
      return isAt(clue);
    case "either":
      return isAt(clue.first) !== isAt(clue.second);
    case "same-room":
      return clue.subject.type === "piece" && rooms[clue.subject.piece] === rooms[clue.piece];
    case "beside":
      return neighbour(setting, rooms[clue.other] as number, clue.direction) === rooms[clue.piece];
    default:
      throw new Error(`no ${clue.type} clue in a mini case with one time and no motives`);
  }
}

test("enumerating all worlds finds the same unique solution, and a second one when any clue is removed", () => {
  let checked = 0;
  for (let index = 0; checked < 60; index++) {
    const { setting, clues, truth } = generateCase({
      tier: "mini",
      style: "clear",
      seed: 71,
      index,
    });
    if (setting.times.length > 1 || setting.motives.length > 0) continue;
    const all = [...worlds(setting)];
    const fitting = (kept: readonly Clue[]) => {
      return all.filter((world) => kept.every((clue) => holds(setting, world, clue)));
    };
    expect(fitting(clues)).toEqual([{ rooms: truth.places.flat(), murder: truth.murder }]);
    for (const clue of clues) {
      expect(fitting(clues.filter((other) => other !== clue)).length).toBeGreaterThan(1);
    }
    checked++;
  }
});
