import { VICTIM } from "../names.js";

/**
 * What a prompt tells before the first clue. Everything else speaks of its members by index.
 *
 * Pieces are what stands in a room at a time; they are numbered through: the suspects, the victim, the
 * weapons.
 */
export interface Setting {
  suspects: readonly string[];
  weapons: readonly string[];
  /** Row by row from the north-west corner; only the last row may be short. */
  rooms: readonly string[];
  /** Rooms in a full row. */
  columns: number;
  /** In the order of the night, which runs through midnight. */
  times: readonly string[];
  /** Empty when motives play no role. */
  motives: readonly string[];
  /** Suspects with each motive. */
  motiveCounts: readonly number[];
}

/** Number of pieces. */
export function countPieces({ suspects, weapons }: Setting): number {
  return suspects.length + 1 + weapons.length;
}

/** The piece that is the victim. */
export function victimPiece({ suspects }: Setting): number {
  return suspects.length;
}

/** The piece that is a weapon. */
export function weaponPiece({ suspects }: Setting, weapon: number): number {
  return suspects.length + 1 + weapon;
}

/** What a piece is, with its index among its own. */
export type PieceRole =
  { type: "suspect"; suspect: number } | { type: "victim" } | { type: "weapon"; weapon: number };

/** Tells suspects, victim and weapons apart. */
export function pieceRole({ suspects }: Setting, piece: number): PieceRole {
  if (piece < suspects.length) return { type: "suspect", suspect: piece };
  if (piece === suspects.length) return { type: "victim" };
  return { type: "weapon", weapon: piece - suspects.length - 1 };
}

/** The name of a piece, without article. */
export function pieceName(setting: Setting, piece: number): string {
  const role = pieceRole(setting, piece);
  switch (role.type) {
    case "suspect":
      return setting.suspects[role.suspect] ?? "";
    case "victim":
      return VICTIM;
    case "weapon":
      return setting.weapons[role.weapon] ?? "";
    default:
      return role satisfies never;
  }
}

/** Whether more than one suspect has a motive. */
export function isShared({ motiveCounts }: Setting, motive: number): boolean {
  return (motiveCounts[motive] ?? 0) > 1;
}
