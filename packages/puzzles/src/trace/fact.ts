import type { AtClue, MotiveClue, SolutionClue } from "../clues/clue.js";
import { countPieces, type Setting } from "../scenario/setting.js";
import type { Variables } from "../solver/variables.js";

/** A statement that is true or false: the place of a piece, a motive, a part of the crime. */
export interface Fact {
  statement: AtClue | MotiveClue | SolutionClue;
  holds: boolean;
}

/** A question about the truth with exactly one right answer. */
export interface Choice {
  /** The variable of each answer. */
  variables: readonly number[];
  /** Returns the statement that an answer is the right one. */
  statement: (answer: number) => Fact["statement"];
}

/** Lists all questions about a setting. */
export function listChoices(v: Variables, setting: Setting): Choice[] {
  const { suspects, weapons, rooms, times, motives } = setting;
  const places = [...Array(countPieces(setting)).keys()].flatMap((piece) =>
    times.map((_, time): Choice => ({
      variables: rooms.map((_room, room) => v.at(piece, time, room)),
      statement: (room) => ({ type: "at", subject: { type: "piece", piece }, room, time }),
    })),
  );
  const motiveChoices =
    motives.length === 0
      ? []
      : suspects.map((_, suspect): Choice => ({
          variables: motives.map((_motive, motive) => v.motive(suspect, motive)),
          statement: (motive) => ({ type: "motive", suspect, motive }),
        }));
  const crime = (
    part: SolutionClue["part"],
    names: readonly string[],
    variable: (index: number) => number,
  ): Choice => ({
    variables: names.map((_, index) => variable(index)),
    statement: (value) => ({ type: "solution", part, value }),
  });
  return [
    ...places,
    ...motiveChoices,
    crime("murderer", suspects, (suspect) => v.killer(suspect)),
    crime("weapon", weapons, (weapon) => v.murderWeapon(weapon)),
    crime("room", rooms, (room) => v.murderRoom(room)),
    ...(times.length > 1 ? [crime("time", times, (time) => v.murderTime(time))] : []),
  ];
}
