import { PromptError } from "../errors.js";
import type { Setting } from "../scenario/setting.js";
import type { Style } from "./style.js";

/** The structure of a prompt: its lists, and its unparsed sentences. */
export interface Layout {
  style: Style;
  setting: Setting;
  clues: string[];
  questions: { letter: string; text: string }[];
}

/** The time of a case that does not list any. */
export const LONE_TIME = "12:00 AM";

/** Parses the lines "- ..." of a prompt. */
export function readDashes(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("- ")).map((line) => line.slice(2).trim());
}

/** Parses the lines "A. ...?" of a prompt. */
export function readQuestionLines(lines: readonly string[]): { letter: string; text: string }[] {
  return lines.flatMap((line) => {
    const [, letter, text] = /^([A-Z])\. (.*\?)$/.exec(line.trimEnd()) ?? [];
    return letter === undefined || text === undefined ? [] : [{ letter, text }];
  });
}

/** Parses "Greed", "Greed (1 suspect)" or "Greed (2 suspects)". */
export function readMotive(text: string): { name: string; count: number } {
  const [, name = text, count = "1"] = /^(.*?)(?: \((\d+) suspects?\))?$/.exec(text) ?? [];
  return { name, count: Number(count) };
}

/**
 * Checks that a setting is consistent: no list is too short, no name occurs twice, and every
 * suspect has a motive.
 *
 * @throws PromptError naming the problem
 */
export function checkSetting(setting: Setting): Setting {
  const { suspects, weapons, rooms, times, motives, motiveCounts } = setting;
  const lists = { suspects, weapons, rooms, times, motives };
  for (const [what, names] of Object.entries(lists)) {
    if (names.length === 0 && what !== "motives") throw new PromptError(what, "none are listed");
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new PromptError(twice, "is listed twice");
  }
  const holders = motiveCounts.reduce((sum, count) => sum + count, 0);
  if (motives.length > 0 && holders !== suspects.length) {
    throw new PromptError(
      motives.join(", "),
      `${suspects.length} suspects have ${holders} motives in all`,
    );
  }
  return setting;
}
