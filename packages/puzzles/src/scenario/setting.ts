import { VICTIM } from "../names.js";

/**
 * The part of a prompt before the first clue. All other data refer to its entries by index.
 *
 * Pieces are the things that are in a room at a time. They share one numbering: the suspects, the
 * victim, the weapons.
 */
export interface Setting {
  suspects: readonly string[];
  weapons: readonly string[];
  /** Row by row from the north-west corner; only the last row may be short. */
  rooms: readonly string[];
  /** Rooms in a full row. */
  columns: number;
  /** In the order of the night, across midnight. */
  times: readonly string[];
  /** Empty when motives play no role. */
  motives: readonly string[];
  /** Number of suspects with each motive. */
  motiveCounts: readonly number[];
}

/** Returns the number of pieces. */
export function countPieces({ suspects, weapons }: Setting): number {
  return suspects.length + 1 + weapons.length;
}

/** Returns the piece of the victim. */
export function victimPiece({ suspects }: Setting): number {
  return suspects.length;
}

/** Returns the piece of a weapon. */
export function weaponPiece({ suspects }: Setting, weapon: number): number {
  return suspects.length + 1 + weapon;
}

/** The kind of a piece, with its index within the kind. */
export type PieceRole =
  { type: "suspect"; suspect: number } | { type: "victim" } | { type: "weapon"; weapon: number };

/** Returns whether a piece is a suspect, the victim or a weapon. */
export function pieceRole({ suspects }: Setting, piece: number): PieceRole {
  if (piece < suspects.length) return { type: "suspect", suspect: piece };
  if (piece === suspects.length) return { type: "victim" };
  return { type: "weapon", weapon: piece - suspects.length - 1 };
}

/** Returns the name of a piece, without article. */
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

/** Returns whether more than one suspect has a motive. */
export function isShared({ motiveCounts }: Setting, motive: number): boolean {
  return (motiveCounts[motive] ?? 0) > 1;
}
