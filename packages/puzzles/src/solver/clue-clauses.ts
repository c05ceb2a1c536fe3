import type {
  BesideClue,
  Clue,
  PairClue,
  SameRoomClue,
  SolutionClue,
  TogetherClue,
  WeaponMoveClue,
} from "../clues/clue.js";
import { neighbour } from "../scenario/board.js";
import { type Setting, weaponPiece } from "../scenario/setting.js";
import type { Formula } from "./formula.js";
import { Predicates } from "./predicates.js";
import type { Variables } from "./variables.js";

/** Adds clues to a formula, each under its own selector. */
export class ClueClauses {
  readonly #formula: Formula;
  readonly #variables: Variables;
  readonly #setting: Setting;
  readonly #predicates: Predicates;

  constructor(formula: Formula, variables: Variables, setting: Setting) {
    this.#formula = formula;
    this.#variables = variables;
    this.#setting = setting;
    this.#predicates = new Predicates(formula, variables, setting);
  }

  /** Adds a clue; returns its selector: the clue must hold if the selector is true. */
  add(clue: Clue): number {
    const selector = this.#formula.fresh();
    this.#require(selector, clue);
    return selector;
  }

  #require(selector: number, clue: Clue): void {
    const when = (...literals: number[]) => this.#formula.clause(-selector, ...literals);
    switch (clue.type) {
      case "solution":
        return this.#solution(when, clue);
      case "at":
        return when(this.#predicates.at(clue.subject, clue.time, clue.room));
      case "motive":
        return when(this.#variables.motive(clue.suspect, clue.motive));
      case "either":
      case "iff":
        return this.#pair(when, clue);
      case "same-room":
        return this.#sameRoom(when, clue);
      case "together":
        return this.#together(when, clue);
      case "move":
        when(this.#predicates.at(clue.subject, clue.time - 1, clue.from));
        return when(this.#predicates.at(clue.subject, clue.time, clue.to));
      case "weapon-move":
        return this.#weaponMove(when, clue);
      case "beside":
        return this.#beside(when, clue);
      default:
        return clue satisfies never;
    }
  }

  #solution(when: When, { part, value }: SolutionClue): void {
    const v = this.#variables;
    switch (part) {
      case "murderer":
        return when(v.killer(value));
      case "weapon":
        return when(v.murderWeapon(value));
      case "room":
        return when(v.murderRoom(value));
      case "time":
        return when(v.murderTime(value));
      case "motive":
        return this.#setting.suspects.forEach((_, suspect) => {
          when(-v.killer(suspect), v.motive(suspect, value));
        });
      default:
        return part satisfies never;
    }
  }

  #pair(when: When, { type, first, second }: PairClue): void {
    const a = this.#predicates.at(first.subject, first.time, first.room);
    const b = this.#predicates.at(second.subject, second.time, second.room);
    when(a, type === "either" ? b : -b);
    when(-a, type === "either" ? -b : b);
  }

  #sameRoom(when: When, { subject, piece, time }: SameRoomClue): void {
    const plural = this.#predicates.isPlural(subject);
    const shared = this.#setting.rooms.map((_, room) => {
      const one = this.#predicates.at(subject, time, room);
      const other = this.#variables.at(piece, time, room);
      // With a single subject one implication suffices: where the other piece is, the subject is
      // too.
      if (!plural) when(-other, one);
      return plural ? this.#formula.both(one, other) : other;
    });
    if (plural) when(...shared);
  }

  #together(when: When, { subject, piece, room }: TogetherClue): void {
    const meetings = this.#setting.times.map((_, time) => {
      const meeting = this.#formula.fresh();
      this.#formula.clause(-meeting, this.#predicates.at(subject, time, room));
      this.#formula.clause(-meeting, this.#variables.at(piece, time, room));
      return meeting;
    });
    when(...meetings);
  }

  #weaponMove(when: When, { subject, weapon, from, to, time }: WeaponMoveClue): void {
    const carried =
      weapon === null
        ? ({ type: "murder-weapon" } as const)
        : ({ type: "piece", piece: weaponPiece(this.#setting, weapon) } as const);
    for (const moved of [subject, carried]) {
      when(this.#predicates.at(moved, time - 1, from));
      when(this.#predicates.at(moved, time, to));
    }
  }

  #beside(when: When, { piece, other, direction, time }: BesideClue): void {
    this.#setting.rooms.forEach((_, room) => {
      const next = neighbour(this.#setting, room, direction);
      const there = this.#variables.at(other, time, room);
      if (next === null) when(-there);
      else when(-there, this.#variables.at(piece, time, next));
    });
  }
}

/** Adds a clause that must hold if the clue is selected. */
type When = (...literals: number[]) => void;
