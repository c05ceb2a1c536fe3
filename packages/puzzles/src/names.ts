/**
 * The closed vocabularies of Temporal Clue. No name occurs in two kinds, so the kind of an answer
 * follows from its text. The classic names come first.
 */
const SUSPECTS = [
  "Miss Scarlet",
  "Mr. Green",
  "Mrs. White",
  "Mrs. Peacock",
  "Colonel Mustard",
  "Professor Plum",
  "Miss Peach",
  "Sgt. Gray",
  "Monsieur Brunette",
  "Madame Rose",
] as const;

const WEAPONS = [
  "Candlestick",
  "Knife",
  "Lead Pipe",
  "Revolver",
  "Rope",
  "Wrench",
  "Horseshoe",
  "Poison",
] as const;

const ROOMS = [
  "Hall",
  "Lounge",
  "Dining Room",
  "Kitchen",
  "Ballroom",
  "Conservatory",
  "Billiard Room",
  "Library",
  "Study",
  "Carriage House",
  "Cloak Room",
  "Trophy Room",
  "Drawing Room",
  "Gazebo",
  "Courtyard",
  "Fountain",
  "Studio",
] as const;

const MOTIVES = [
  "Revenge",
  "Jealousy",
  "Greed",
  "Power",
  "Hatred",
  "Anger",
  "Fear",
  "Ambition",
  "Betrayal",
  "Pride",
] as const;

/** The kind of thing that an answer names. */
export type Kind = "suspect" | "weapon" | "room" | "time" | "motive";

/** The kinds in the order of the lists in a prompt. */
export const KINDS: readonly Kind[] = ["suspect", "weapon", "room", "time", "motive"];

/** A set of names to draw from. */
export interface Vocabulary {
  suspect: readonly string[];
  weapon: readonly string[];
  room: readonly string[];
  motive: readonly string[];
}

/** All names. */
export const ALL_NAMES: Vocabulary = {
  suspect: SUSPECTS,
  weapon: WEAPONS,
  room: ROOMS,
  motive: MOTIVES,
};

/** The classic names: 6 suspects, 6 weapons and 9 rooms, with five added motives. */
export const CLASSIC_NAMES: Vocabulary = {
  suspect: SUSPECTS.slice(0, 6),
  weapon: WEAPONS.slice(0, 6),
  room: ROOMS.slice(0, 9),
  motive: MOTIVES.slice(0, 5),
};

/** The victim. */
export const VICTIM = "Mr. Boddy";

/** A clock label as prompts write it, e.g. "09:15 PM". */
export const TIME_PATTERN = /\b(?:0[1-9]|1[0-2]):[0-5][0-9] [AP]M\b/g;

const KIND_OF = new Map<string, Kind>([
  ...SUSPECTS.map((name) => [name, "suspect"] as const),
  ...WEAPONS.map((name) => [name, "weapon"] as const),
  ...ROOMS.map((name) => [name, "room"] as const),
  ...MOTIVES.map((name) => [name, "motive"] as const),
]);

/** Returns the kind of a name, or null when it is in no vocabulary. */
export function kindOfName(name: string): Kind | null {
  if (/^(?:0[1-9]|1[0-2]):[0-5][0-9] [AP]M$/.test(name)) return "time";
  return KIND_OF.get(name) ?? null;
}

/** Returns the preposition of a room, "in" or "at". */
export function preposition(room: string): "in" | "at" {
  return room === "Fountain" ? "at" : "in";
}
