import type { Murder, Truth } from "../scenario/scenario.js";
import { countPieces, type Setting } from "../scenario/setting.js";
import type { Variables } from "./variables.js";

/** Returns the variables that are true in a truth; all others are false. */
export function truthVariables(v: Variables, { suspects }: Setting, truth: Truth): number[] {
  const { places, motiveOf, murder } = truth;
  return [
    ...places.flatMap((rooms, piece) => rooms.map((room, time) => v.at(piece, time, room))),
    ...(motiveOf.length > 0
      ? suspects.map((_, suspect) => v.motive(suspect, motiveOf[suspect] as number))
      : []),
    v.killer(murder.suspect),
    v.murderWeapon(murder.weapon),
    v.murderRoom(murder.room),
    v.murderTime(murder.time),
  ];
}

/** Reads a truth from a model, given the values of its variables. */
export function readTruth(v: Variables, setting: Setting, isTrue: (v: number) => boolean): Truth {
  const { suspects, weapons, rooms, times, motives } = setting;
  const find = (items: readonly string[], variable: (index: number) => number) => {
    return items.findIndex((_, index) => isTrue(variable(index)));
  };
  const murder: Murder = {
    suspect: find(suspects, (suspect) => v.killer(suspect)),
    weapon: find(weapons, (weapon) => v.murderWeapon(weapon)),
    room: find(rooms, (room) => v.murderRoom(room)),
    time: find(times, (time) => v.murderTime(time)),
  };
  return {
    places: Array.from({ length: countPieces(setting) }, (_, piece) =>
      times.map((_time, time) => find(rooms, (room) => v.at(piece, time, room))),
    ),
    motiveOf:
      motives.length > 0
        ? suspects.map((_, suspect) => find(motives, (motive) => v.motive(suspect, motive)))
        : [],
    murder,
  };
}
