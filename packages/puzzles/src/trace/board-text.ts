import type { Truth } from "../scenario/scenario.js";
import { pieceName, type Setting } from "../scenario/setting.js";

/**
 * Draws what happened, for people: the board at every time, with the pieces in each room. The room
 * of the murder has a star at its time.
 */
export function drawNight(setting: Setting, truth: Truth): string {
  return setting.times
    .map((label, time) => {
      const board = drawBoard(setting, truth, time);
      return setting.times.length > 1 ? `${label}\n${board}` : board;
    })
    .join("\n\n");
}

function drawBoard(setting: Setting, truth: Truth, time: number): string {
  const { rooms, columns } = setting;
  const cells = rooms.map((name, room) => {
    const isScene = truth.murder.room === room && truth.murder.time === time;
    const pieces = [...truth.places.keys()].filter((piece) => truth.places[piece]?.[time] === room);
    return [
      `${name}${isScene ? " *" : ""}`,
      ...pieces.map((piece) => `  ${pieceName(setting, piece)}`),
    ];
  });
  const width = Math.max(...cells.flat().map((line) => line.length));
  const edge = (count: number) => `+${`${"-".repeat(width + 2)}+`.repeat(count)}`;
  const lines: string[] = [];
  let above = 0;
  for (let first = 0; first < cells.length; first += columns) {
    const row = cells.slice(first, first + columns);
    lines.push(edge(Math.max(above, row.length)));
    above = row.length;
    const height = Math.max(...row.map((cell) => cell.length));
    for (let i = 0; i < height; i++) {
      lines.push(`|${row.map((cell) => ` ${(cell[i] ?? "").padEnd(width)} `).join("|")}|`);
    }
  }
  return [...lines, edge(above)].join("\n");
}
