import type { Clue, SolutionPart } from "../clues/clue.js";
import type { Kind } from "../names.js";
import type { Truth } from "../scenario/scenario.js";
import type { Setting } from "../scenario/setting.js";

/** A question about the crime, the place of a piece, or motives. */
export type Query =
  | { type: "main"; part: SolutionPart }
  | { type: "where"; subject: LocationSubject; time: number }
  | { type: "holder"; motive: number }
  | { type: "motive-of"; suspect: number };

/** The subject of a question about a place: a piece, or the one suspect with a motive. */
export type LocationSubject = { type: "piece"; piece: number } | { type: "motive"; motive: number };

/** A case before it is worded. */
export interface Plot {
  setting: Setting;
  /** In the order of the prompt. */
  clues: readonly Clue[];
  /** Main questions first. */
  queries: readonly Query[];
  truth: Truth;
}

const KIND_OF_PART: Readonly<Record<SolutionPart, Kind>> = {
  murderer: "suspect",
  weapon: "weapon",
  room: "room",
  time: "time",
  motive: "motive",
};

/** Returns the kind of a question's answer. */
export function queryKind(query: Query): Kind {
  switch (query.type) {
    case "main":
      return KIND_OF_PART[query.part];
    case "where":
      return "room";
    case "holder":
      return "suspect";
    case "motive-of":
      return "motive";
    default:
      return query satisfies never;
  }
}

/** Returns the right answer to a question: an index of its kind. */
export function answerIndex(query: Query, truth: Truth): number {
  switch (query.type) {
    case "main":
      return solutionIndex(query.part, truth);
    case "where":
      return truth.places[whoIsMeant(query.subject, truth)]?.[query.time] ?? -1;
    case "holder":
      return truth.motiveOf.indexOf(query.motive);
    case "motive-of":
      return truth.motiveOf[query.suspect] ?? -1;
    default:
      return query satisfies never;
  }
}

function whoIsMeant(subject: LocationSubject, { motiveOf }: Truth): number {
  return subject.type === "piece" ? subject.piece : motiveOf.indexOf(subject.motive);
}

function solutionIndex(part: SolutionPart, { murder, motiveOf }: Truth): number {
  switch (part) {
    case "murderer":
      return murder.suspect;
    case "weapon":
      return murder.weapon;
    case "room":
      return murder.room;
    case "time":
      return murder.time;
    case "motive":
      return motiveOf[murder.suspect] ?? -1;
    default:
      return part satisfies never;
  }
}

/** Returns the names of a kind in a setting. */
export function namesOfKind(setting: Setting, kind: Kind): readonly string[] {
  switch (kind) {
    case "suspect":
      return setting.suspects;
    case "weapon":
      return setting.weapons;
    case "room":
      return setting.rooms;
    case "time":
      return setting.times;
    case "motive":
      return setting.motives;
    default:
      return kind satisfies never;
  }
}
