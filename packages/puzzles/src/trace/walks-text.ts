import type { Truth } from "../scenario/scenario.js";
import { countPieces, pieceName, type Setting } from "../scenario/setting.js";

/**
 * Writes the walk of every piece for people, one line each: the first room, then every change with
 * its time.
 */
export function writeWalks(setting: Setting, truth: Truth): string {
  const pieces = [...Array(countPieces(setting)).keys()];
  const names = pieces.map((piece) => pieceName(setting, piece));
  const width = Math.max(...names.map(({ length }) => length));
  const way = (rooms: readonly number[]) =>
    rooms.flatMap((room, time) => {
      if (time > 0 && room === rooms[time - 1]) return [];
      const name = setting.rooms[room] ?? "";
      return [time === 0 ? name : `${name} (${setting.times[time]})`];
    });
  return pieces
    .map((piece) => {
      const rooms = way(truth.places[piece] ?? []);
      return `${(names[piece] ?? "").padEnd(width)}  ${rooms.join(" -> ")}`;
    })
    .join("\n");
}
