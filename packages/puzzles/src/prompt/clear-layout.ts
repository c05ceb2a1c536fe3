import { PromptError } from "../errors.js";
import {
  checkSetting,
  type Layout,
  LONE_TIME,
  readDashes,
  readMotive,
  readQuestionLines,
} from "./layout.js";

/**
 * Parses the structure of a prompt in the clear style.
 *
 * @throws PromptError naming the line
 */
export function readClearLayout(prompt: string): Layout {
  const lines = prompt.split(/\r?\n/);
  const cluesAt = lines.indexOf("Clues:");
  if (cluesAt < 0) throw new PromptError("Clues:", "the prompt has no such line");
  const head = lines.slice(0, cluesAt);
  const list = (title: string) => {
    const line = head.find((one) => one.startsWith(`${title}: `));
    return line === undefined ? [] : splitNames(line.slice(title.length + 2));
  };
  const row = list("Rooms from west to east");
  const rows = row.length > 0 ? [row] : readDashes(head).map(splitNames);
  const unique = list("Motives, one per suspect");
  const motives = (unique.length > 0 ? unique : list("Motives")).map(readMotive);
  const times = list("Times");
  return {
    style: "clear",
    setting: checkSetting({
      suspects: list("Suspects"),
      weapons: list("Weapons"),
      rooms: rows.flat(),
      columns: rows[0]?.length ?? 1,
      times: times.length > 0 ? times : [LONE_TIME],
      motives: motives.map(({ name }) => name),
      motiveCounts: motives.map(({ count }) => count),
    }),
    clues: readDashes(lines.slice(cluesAt)),
    questions: readQuestionLines(lines.slice(cluesAt)),
  };
}

function splitNames(text: string): string[] {
  return text.split(", ").map((name) => name.trim());
}
