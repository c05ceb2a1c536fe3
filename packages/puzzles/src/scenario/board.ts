import type { Rng } from "@gumshoe/core";

/** The directions to adjacent rooms. */
export type Direction = "north" | "south" | "east" | "west";

/** All directions. */
export const DIRECTIONS: readonly Direction[] = ["north", "south", "east", "west"];

/** The board of a setting: rooms row by row from the north-west corner. */
export interface Board {
  rooms: readonly string[];
  columns: number;
}

/** Returns the adjacent room in a direction, null at the edge of the board. */
export function neighbour(board: Board, room: number, direction: Direction): number | null {
  const { columns, rooms } = board;
  const column = room % columns;
  switch (direction) {
    case "north":
      return room >= columns ? room - columns : null;
    case "south":
      return room + columns < rooms.length ? room + columns : null;
    case "east":
      return column + 1 < columns && room + 1 < rooms.length ? room + 1 : null;
    case "west":
      return column > 0 ? room - 1 : null;
    default:
      return direction satisfies never;
  }
}

/** Returns the rooms that share a wall with a room. */
export function neighbours(board: Board, room: number): number[] {
  return DIRECTIONS.map((direction) => neighbour(board, room, direction)).filter(
    (next) => next !== null,
  );
}

/** Returns the direction from a room to an adjacent one, null when they share no wall. */
export function directionTo(board: Board, from: number, to: number): Direction | null {
  return DIRECTIONS.find((direction) => neighbour(board, from, direction) === to) ?? null;
}

/** Draws the number of columns of a board with a number of rooms. */
export function drawColumns(rng: Rng, rooms: number, shape: "row" | "grid"): number {
  if (shape === "row") return rooms;
  if (rooms <= 2) return rng.between(1, 2);
  if (rooms <= 4) return 2;
  if (rooms <= 6) return rng.between(2, 3);
  if (rooms <= 9) return 3;
  return rooms <= 12 ? rng.between(3, 4) : 4;
}
