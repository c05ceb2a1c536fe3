import type { Setting } from "../scenario/setting.js";
import { letterOf } from "./letters.js";
import { Phrases } from "./phrases.js";
import { type Plot, queryKind } from "./plot.js";
import { TEMPLATES } from "./sentences.js";

/**
 * Writes a case with the sentences, headings and section order of the public set, so that parsers
 * of that set accept it; the story around them is this project's own. Sections that do not apply
 * are omitted.
 */
export function writeDatasetPrompt({ setting, clues, queries }: Plot): string {
  const phrases = new Phrases(setting, TEMPLATES.dataset);
  const asked = queries.map((query, index) => ({
    main: query.type === "main",
    line: `${letterOf(index)}. ${phrases.question(query)}`,
  }));
  const main = asked.filter((question) => question.main).map(({ line }) => line);
  const bonus = asked.filter((question) => !question.main).map(({ line }) => line);
  const format = queries.map(
    (query, index) => `${letterOf(index)}. ${queryKind(query).toUpperCase()}`,
  );
  const blocks = [
    "It was to be a quiet evening among friends. By morning Mr. Boddy, the host, lay dead in his own " +
      "house, and nobody had left it. The following persons of interest have been identified as suspects:",
    bullets(setting.suspects),
    "And the following weapons were found on the premises:",
    bullets(setting.weapons),
    "The murder could only have occurred in one of the following rooms:",
    numbered(setting.rooms),
    "The rooms are laid out as follows:",
    drawBoard(setting),
    ...timeBlocks(setting),
    ...motiveBlocks(setting),
    crimeRule(setting),
    "The available clues are as follows:",
    clues.map((clue) => `- ${phrases.clue(clue)}`).join("\n"),
    "Please answer the following question(s):",
    main.join("\n"),
    ...(bonus.length > 0 ? ["And the following bonus question(s):", bonus.join("\n")] : []),
    "Fill out your final answers in the following format:",
    format.join("\n"),
    "The case is yours, detective.",
  ];
  return blocks.join("\n\n");
}

function timeBlocks({ times }: Setting): string[] {
  if (times.length < 2) return [];
  return [
    "Nobody knows exactly when it happened, but the time of the murder has been narrowed down to one " +
      "of the following times:",
    bullets(times),
    "From each time to the next, the suspects and Mr. Boddy either stayed in their room or moved to an " +
      "orthogonally adjacent one (north, south, east, or west). Weapons could be moved by suspects too.",
  ];
}

function motiveBlocks({ motives, motiveCounts }: Setting): string[] {
  if (motives.length === 0) return [];
  const unique = motiveCounts.every((count) => count === 1);
  const counted = motives.map((motive, index) => {
    const count = motiveCounts[index] ?? 0;
    return `${motive} (${count} ${count === 1 ? "suspect" : "suspects"})`;
  });
  return [
    `Each suspect ${unique ? "uniquely " : ""}had one of the following possible motives for killing Mr. Boddy:`,
    bullets(unique ? motives : counted),
  ];
}

function crimeRule({ times }: Setting): string {
  const alone =
    "For the murder to occur, the murderer and Mr. Boddy must have been alone in a room with at least " +
    "one weapon";
  if (times.length < 2) return `${alone}.`;
  return (
    `${alone} at some point in the night. Any clue about Mr. Boddy's whereabouts should be read as ` +
    '"Mr. Boddy (dead or alive) ..."'
  );
}

function bullets(names: readonly string[]): string {
  return names.map((name) => `• ${name}`).join("\n");
}

function numbered(rooms: readonly string[]): string {
  return rooms.map((name, room) => `${roomNumber(rooms, room)}. ${name}`).join("\n");
}

function roomNumber(rooms: readonly string[], room: number): string {
  return String(room + 1).padStart(rooms.length >= 10 ? 2 : 1, "0");
}

/** Draws the board with a number per room; cells without a room contain one dash. */
function drawBoard({ rooms, columns }: Setting): string {
  const edge = (letter: string) => {
    const mark = rooms.length >= 10 ? letter + letter : letter;
    return `  ${Array(columns).fill(mark).join(" ")}  `;
  };
  const rows = Array.from({ length: Math.ceil(rooms.length / columns) }, (_, row) => {
    const cells = Array.from({ length: columns }, (_cell, column) => {
      const room = row * columns + column;
      return room < rooms.length ? roomNumber(rooms, room) : "-";
    });
    return `W ${cells.join("|")} E`;
  });
  return [edge("N"), ...rows, edge("S")].join("\n");
}
