import { neighbours } from "../scenario/board.js";
import { countPieces, type Setting, victimPiece, weaponPiece } from "../scenario/setting.js";
import type { Formula } from "./formula.js";
import type { Variables } from "./variables.js";

/**
 * Adds the rules that hold in every case, independent of the clues:
 *
 * - every piece is in one room at a time; there is one murderer, weapon, room and time of the
 *   murder
 * - as many suspects have a motive as the prompt states
 * - people step to an adjacent room or stay; so do weapons, and only together with a suspect
 * - at the murder one suspect is in the room, who is the murderer, and the murder weapon is there
 * - the victim is in the room of the murder from then on
 */
export function addRules(formula: Formula, variables: Variables, setting: Setting): void {
  addChoices(formula, variables, setting);
  if (setting.times.length > 1) addMovement(formula, variables, setting);
  addMurder(formula, variables, setting);
}

function addChoices(formula: Formula, v: Variables, setting: Setting): void {
  const { suspects, weapons, rooms, times, motives, motiveCounts } = setting;
  for (let piece = 0; piece < countPieces(setting); piece++) {
    times.forEach((_, time) => {
      formula.exactlyOne(rooms.map((_room, room) => v.at(piece, time, room)));
    });
  }
  formula.exactlyOne(suspects.map((_, suspect) => v.killer(suspect)));
  formula.exactlyOne(weapons.map((_, weapon) => v.murderWeapon(weapon)));
  formula.exactlyOne(rooms.map((_, room) => v.murderRoom(room)));
  formula.exactlyOne(times.map((_, time) => v.murderTime(time)));
  if (motives.length === 0) return;
  suspects.forEach((_, suspect) => {
    formula.exactlyOne(motives.map((_motive, motive) => v.motive(suspect, motive)));
  });
  motives.forEach((_, motive) => {
    formula.exactly(
      motiveCounts[motive] ?? 0,
      suspects.map((_suspect, suspect) => v.motive(suspect, motive)),
    );
  });
}

function addMovement(formula: Formula, v: Variables, setting: Setting): void {
  const { rooms, times } = setting;
  const around = rooms.map((_, room) => neighbours(setting, room));
  for (let piece = 0; piece < countPieces(setting); piece++) {
    for (let time = 1; time < times.length; time++) {
      around.forEach((near, room) => {
        const before = [room, ...near].map((other) => v.at(piece, time - 1, other));
        const after = [room, ...near].map((other) => v.at(piece, time, other));
        formula.clause(-v.at(piece, time, room), ...before);
        formula.clause(-v.at(piece, time - 1, room), ...after);
      });
    }
  }
  for (let time = 1; time < times.length; time++) {
    around.forEach((near, from) => {
      for (const to of near) addCarrying(formula, v, setting, { time, from, to });
    });
  }
}

/** A weapon moves from one room to another only if a suspect does. */
function addCarrying(
  formula: Formula,
  v: Variables,
  setting: Setting,
  { time, from, to }: { time: number; from: number; to: number },
): void {
  const steps = setting.suspects.map((_, suspect) => {
    const step = formula.fresh();
    formula.clause(-step, v.at(suspect, time - 1, from));
    formula.clause(-step, v.at(suspect, time, to));
    return step;
  });
  setting.weapons.forEach((_, weapon) => {
    const piece = weaponPiece(setting, weapon);
    formula.clause(-v.at(piece, time - 1, from), -v.at(piece, time, to), ...steps);
  });
}

function addMurder(formula: Formula, v: Variables, setting: Setting): void {
  const { suspects, weapons, rooms, times } = setting;
  const victim = victimPiece(setting);
  rooms.forEach((_, room) => {
    times.forEach((_time, time) => {
      const here =
        times.length === 1
          ? v.murderRoom(room)
          : formula.both(v.murderRoom(room), v.murderTime(time));
      suspects.forEach((_suspect, suspect) => {
        formula.clause(-here, -v.killer(suspect), v.at(suspect, time, room));
        formula.clause(-here, -v.at(suspect, time, room), v.killer(suspect));
      });
      weapons.forEach((_weapon, weapon) => {
        const piece = weaponPiece(setting, weapon);
        formula.clause(-here, -v.murderWeapon(weapon), v.at(piece, time, room));
      });
      for (let later = time; later < times.length; later++) {
        formula.clause(-here, v.at(victim, later, room));
      }
    });
  });
}
