import { countPieces, type Setting } from "../scenario/setting.js";

/**
 * Numbers the Boolean variables of a case: the room of every piece at every time, the motives of
 * the suspects, and the four parts of the crime. Auxiliary variables follow after `count`.
 */
export class Variables {
  readonly #rooms: number;
  readonly #times: number;
  readonly #motives: number;
  readonly #motiveBase: number;
  readonly #killerBase: number;
  readonly #weaponBase: number;
  readonly #roomBase: number;
  readonly #timeBase: number;
  /** The last of these variables. */
  readonly count: number;

  constructor(setting: Setting) {
    const { suspects, weapons, rooms, times, motives } = setting;
    this.#rooms = rooms.length;
    this.#times = times.length;
    this.#motives = motives.length;
    this.#motiveBase = 1 + countPieces(setting) * times.length * rooms.length;
    this.#killerBase = this.#motiveBase + suspects.length * motives.length;
    this.#weaponBase = this.#killerBase + suspects.length;
    this.#roomBase = this.#weaponBase + weapons.length;
    this.#timeBase = this.#roomBase + rooms.length;
    this.count = this.#timeBase + times.length - 1;
  }

  /** The piece is in the room at the time. */
  at(piece: number, time: number, room: number): number {
    return 1 + (piece * this.#times + time) * this.#rooms + room;
  }

  /** The suspect has the motive. */
  motive(suspect: number, motive: number): number {
    return this.#motiveBase + suspect * this.#motives + motive;
  }

  /** The suspect is the murderer. */
  killer(suspect: number): number {
    return this.#killerBase + suspect;
  }

  /** The weapon is that of the murder. */
  murderWeapon(weapon: number): number {
    return this.#weaponBase + weapon;
  }

  /** The room is that of the murder. */
  murderRoom(room: number): number {
    return this.#roomBase + room;
  }

  /** The time is that of the murder. */
  murderTime(time: number): number {
    return this.#timeBase + time;
  }
}
