import type { Subject } from "../clues/clue.js";
import { isShared, type Setting, weaponPiece } from "../scenario/setting.js";
import type { Formula } from "./formula.js";
import type { Variables } from "./variables.js";

/**
 * Returns literals for "the subject is in the room at the time", also for subjects given by role or
 * motive. Each is defined once, by an equivalence, on first use.
 */
export class Predicates {
  readonly #formula: Formula;
  readonly #variables: Variables;
  readonly #setting: Setting;
  readonly #known = new Map<string, number>();

  constructor(formula: Formula, variables: Variables, setting: Setting) {
    this.#formula = formula;
    this.#variables = variables;
    this.#setting = setting;
  }

  /** Returns the literal that is true exactly when the subject is there. */
  at(subject: Subject, time: number, room: number): number {
    if (subject.type === "piece") return this.#variables.at(subject.piece, time, room);
    const index = subject.type === "motive" ? subject.motive : 0;
    const key = `${subject.type} ${index} ${time} ${room}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const literal = this.#define(subject, time, room);
    this.#known.set(key, literal);
    return literal;
  }

  /** Returns whether the subject may stand for several pieces, in several rooms at a time. */
  isPlural(subject: Subject): boolean {
    return subject.type === "motive" && isShared(this.#setting, subject.motive);
  }

  #define(subject: Exclude<Subject, { type: "piece" }>, time: number, room: number): number {
    const { suspects, weapons } = this.#setting;
    const v = this.#variables;
    switch (subject.type) {
      case "murderer":
        return this.#oneOf(
          suspects.map((_, suspect) => [v.killer(suspect), v.at(suspect, time, room)]),
        );
      case "murder-weapon":
        return this.#oneOf(
          weapons.map((_, weapon) => {
            const piece = weaponPiece(this.#setting, weapon);
            return [v.murderWeapon(weapon), v.at(piece, time, room)];
          }),
        );
      case "motive": {
        const holders = suspects.map((_, suspect): [number, number] => {
          return [v.motive(suspect, subject.motive), v.at(suspect, time, room)];
        });
        return this.isPlural(subject) ? this.#someOf(holders) : this.#oneOf(holders);
      }
      default:
        return subject satisfies never;
    }
  }

  /** Exactly one `is` must be true; the result equals its `there`. */
  #oneOf(pieces: readonly [is: number, there: number][]): number {
    const result = this.#formula.fresh();
    for (const [is, there] of pieces) {
      this.#formula.clause(-result, -is, there);
      this.#formula.clause(result, -is, -there);
    }
    return result;
  }

  /** Any number of `is` may be true; the result is true when one of these has a true `there`. */
  #someOf(pieces: readonly [is: number, there: number][]): number {
    const result = this.#formula.fresh();
    const both = pieces.map(([is, there]) => this.#formula.both(is, there));
    for (const literal of both) this.#formula.clause(result, -literal);
    this.#formula.clause(-result, ...both);
    return result;
  }
}
