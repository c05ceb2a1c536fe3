import { PromptError } from "../errors.js";
import { type Kind, kindOfName } from "../names.js";
import {
  checkSetting,
  type Layout,
  LONE_TIME,
  readDashes,
  readMotive,
  readQuestionLines,
} from "./layout.js";

/**
 * Parses the structure of a prompt of the public set, or one in its style. Lists are identified by
 * the names in them, so that the story around them can be arbitrary.
 *
 * @throws PromptError naming the line
 */
export function readDatasetLayout(prompt: string): Layout {
  const lines = prompt.split(/\r?\n/);
  const bullets = lines.filter((line) => line.startsWith("• ")).map((line) => line.slice(2).trim());
  const listed = new Map<Kind, string[]>();
  for (const text of bullets) {
    const kind = kindOfName(readMotive(text).name);
    if (kind === null) throw new PromptError(text, "a list holds a name that is not known");
    listed.set(kind, [...(listed.get(kind) ?? []), text]);
  }
  const motives = (listed.get("motive") ?? []).map(readMotive);
  const rooms = lines.flatMap((line) => {
    const name = /^\d+\. (.+)$/.exec(line.trimEnd())?.[1];
    return name === undefined ? [] : [name];
  });
  return {
    style: "dataset",
    setting: checkSetting({
      suspects: listed.get("suspect") ?? [],
      weapons: listed.get("weapon") ?? [],
      rooms,
      columns: readColumns(lines, rooms.length),
      times: listed.get("time") ?? [LONE_TIME],
      motives: motives.map(({ name }) => name),
      motiveCounts: motives.map(({ count }) => count),
    }),
    clues: readDashes(lines),
    questions: readQuestionLines(lines),
  };
}

/** Parses the board: rows such as "W 1|2|3 E" that number the rooms from the north-west corner. */
function readColumns(lines: readonly string[], rooms: number): number {
  const rows = lines.flatMap((line) => {
    const cells = /^W (.*) E$/.exec(line.trimEnd())?.[1];
    return cells === undefined ? [] : [{ line, cells: cells.split("|") }];
  });
  const columns = rows[0]?.cells.length;
  if (columns === undefined) throw new PromptError("board", "the prompt shows none");
  let next = 1;
  for (const { line, cells } of rows) {
    const numbers = cells.filter((cell) => cell !== "-").map(Number);
    const inOrder = numbers.every((number, index) => number === next + index);
    if (cells.length !== columns || !inOrder) {
      throw new PromptError(line, "a row of the board out of order");
    }
    next += numbers.length;
  }
  if (next - 1 !== rooms) throw new PromptError("board", `shows ${next - 1} of ${rooms} rooms`);
  return columns;
}
