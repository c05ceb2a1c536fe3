import { type Setting } from "../scenario/setting.js";
import { letterOf } from "./letters.js";
import { Phrases } from "./phrases.js";
import { type Plot } from "./plot.js";
import { TEMPLATES } from "./sentences.js";

const MURDER_RULE =
  "the murderer was the only suspect in the room with Mr. Boddy, and the murder weapon was there too.";
const NIGHT_RULES = [
  `At the time of the murder ${MURDER_RULE} Mr. Boddy stayed in that room from then on.`,
  "From one time to the next everybody stayed where they were or moved to the next room north, south,",
  "east or west. A weapon moved only along with a suspect.",
].join(" ");

/** Writes a case in our own words: short, and nothing left unsaid. */
export function writeClearPrompt({ setting, clues, queries }: Plot): string {
  const phrases = new Phrases(setting, TEMPLATES.clear);
  const blocks = [
    listSetting(setting),
    setting.times.length > 1 ? NIGHT_RULES : capitalised(MURDER_RULE),
    ["Clues:", ...clues.map((clue) => `- ${phrases.clue(clue)}`)].join("\n"),
    queries.map((query, index) => `${letterOf(index)}. ${phrases.question(query)}`).join("\n"),
    'Answer with one line per question, such as "A. Name".',
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

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
