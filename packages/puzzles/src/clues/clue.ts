import type { Direction } from "../scenario/board.js";

/**
 * The subject of a clue: a piece by name, or by its role or motive. A motive stands for its holder;
 * when several suspects have it, for at least one of them.
 */
export type Subject =
  | { type: "piece"; piece: number }
  | { type: "murderer" }
  | { type: "murder-weapon" }
  | { type: "motive"; motive: number };

/** "{subject} was in the {room} at {time}". */
export interface AtClue {
  type: "at";
  subject: Subject;
  room: number;
  time: number;
}

/** The parts of the solution of a crime. */
export type SolutionPart = "murderer" | "weapon" | "room" | "time" | "motive";

/** States a part of the solution; `value` is an index of its kind. */
export interface SolutionClue {
  type: "solution";
  part: SolutionPart;
  value: number;
}

/** "{suspect} is motivated by {motive}". */
export interface MotiveClue {
  type: "motive";
  suspect: number;
  motive: number;
}

/** Two statements of which exactly one is true (`either`), or both or neither (`iff`). */
export interface PairClue {
  type: "either" | "iff";
  first: AtClue;
  second: AtClue;
}

/** "{subject} was in the same room as {piece} at {time}". */
export interface SameRoomClue {
  type: "same-room";
  subject: Subject;
  piece: number;
  time: number;
}

/** "{subject} and {piece} were in the {room} together at least once". */
export interface TogetherClue {
  type: "together";
  subject: Subject;
  piece: number;
  room: number;
}

/** "{subject} moved from the {from} to the {to} at {time}", which is that of the arrival. */
export interface MoveClue {
  type: "move";
  subject: Subject;
  from: number;
  to: number;
  time: number;
}

/** "{subject} moved the {weapon} from the {from} to the {to} at {time}". */
export interface WeaponMoveClue {
  type: "weapon-move";
  subject: Subject;
  /** Null for "the murder weapon". */
  weapon: number | null;
  from: number;
  to: number;
  time: number;
}

/** "{piece} was in the room just {direction} of {other} at {time}". */
export interface BesideClue {
  type: "beside";
  piece: number;
  other: number;
  direction: Direction;
  time: number;
}

/** One statement about what happened. */
export type Clue =
  | SolutionClue
  | AtClue
  | MotiveClue
  | PairClue
  | SameRoomClue
  | TogetherClue
  | MoveClue
  | WeaponMoveClue
  | BesideClue;

/** The type of a clue. */
export type ClueType = Clue["type"];

/** All types of clues. */
export const CLUE_TYPES: readonly ClueType[] = [
  "solution",
  "at",
  "motive",
  "either",
  "iff",
  "same-room",
  "together",
  "move",
  "weapon-move",
  "beside",
];
