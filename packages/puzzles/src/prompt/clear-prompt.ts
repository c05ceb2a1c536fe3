import type { Setting } from "../scenario/setting.js";
import { letterOf } from "./letters.js";
import { Phrases } from "./phrases.js";
import type { Plot } from "./plot.js";
import { TEMPLATES } from "./sentences.js";

const MURDER_RULE = "The murderer was alone with Mr. Boddy, the murder weapon at hand.";
const BODY_RULE = "Mr. Boddy stayed where he was killed.";
const CARRY_RULE = "Weapons moved only along with suspects.";

/** Writes a case in this project's own style: short and explicit. */
export function writeClearPrompt({ setting, clues, queries }: Plot): string {
  const phrases = new Phrases(setting, TEMPLATES.clear);
  const blocks = [
    listSetting(setting),
    setting.times.length > 1 ? nightRules(setting) : MURDER_RULE,
    ["Clues:", ...clues.map((clue) => `- ${phrases.clue(clue)}`)].join("\n"),
    queries.map((query, index) => `${letterOf(index)}. ${phrases.question(query)}`).join("\n"),
    'Answer in lines like "A. Name".',
  ];
  return blocks.join("\n\n");
}

function listSetting(setting: Setting): string {
  const { suspects, weapons, rooms, columns, times, motives, motiveCounts } = setting;
  const lines = [`Suspects: ${suspects.join(", ")}`, `Weapons: ${weapons.join(", ")}`];
  if (columns >= rooms.length) lines.push(`Rooms from west to east: ${rooms.join(", ")}`);
  else lines.push("Rooms from west to east, the northernmost row first:", ...rows(rooms, columns));
  if (times.length > 1) lines.push(`Times: ${times.join(", ")}`);
  if (motives.length > 0) {
    const unique = motiveCounts.every((count) => count === 1);
    const counted = motives.map((motive, index) => {
      const count = motiveCounts[index] ?? 0;
      return `${motive} (${count} ${count === 1 ? "suspect" : "suspects"})`;
    });
    lines.push(
      unique ? `Motives, one per suspect: ${motives.join(", ")}` : `Motives: ${counted.join(", ")}`,
    );
  }
  return lines.join("\n");
}

function rows(rooms: readonly string[], columns: number): string[] {
  return Array.from({ length: Math.ceil(rooms.length / columns) }, (_, row) => {
    return `- ${rooms.slice(row * columns, (row + 1) * columns).join(", ")}`;
  });
}

function nightRules({ columns, rooms }: Setting): string {
  const ways = columns >= rooms.length ? "" : " north, south, east or west";
  const walkRule = `From one time to the next, people stayed or moved to the next room${ways}.`;
  return [MURDER_RULE, BODY_RULE, walkRule, CARRY_RULE].join(" ");
}
