import type { Clue, ClueType, Subject } from "./clue.js";

/** Added to the bias of all clues of a type; above 0, more of them stay in the case. */
export type BiasShift = Partial<Record<ClueType, number>>;

/**
 * Returns the removal bias of a clue: clues with a higher bias are tried for removal later, and are
 * more likely to stay.
 *
 * @source the generator of the public set
 */
export function clueBias(clue: Clue, shift: BiasShift = {}): number {
  return plainBias(clue) + (shift[clue.type] ?? 0);
}

function plainBias(clue: Clue): number {
  switch (clue.type) {
    case "solution":
      return -0.2;
    case "at":
      return isHidden(clue.subject) ? -0.1 : -0.15;
    case "motive":
      return 0;
    case "either":
      return (plainBias(clue.first) + plainBias(clue.second)) / 2 + 0.1;
    case "iff":
      return (plainBias(clue.first) + plainBias(clue.second)) / 2 + 0.2;
    case "same-room":
      return isHidden(clue.subject) ? 2 : 0.5;
    case "together":
      return isHidden(clue.subject) ? 2.3 : 0.8;
    case "move":
      return isHidden(clue.subject) ? 0.2 : 0.1;
    case "weapon-move":
      return isHidden(clue.subject) || clue.weapon === null ? 0.35 : 0.2;
    case "beside":
      return 0.2;
    default:
      return clue satisfies never;
  }
}

function isHidden({ type }: Subject): boolean {
  return type === "murderer" || type === "murder-weapon";
}
