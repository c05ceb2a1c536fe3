import { jsonProblem } from "@gumshoe/core";

import { MAX_PROMPT_CHARACTERS } from "../environment/task.js";
import { DatasetError } from "../errors.js";

/** One case of a file: a prompt and the answer to each of its questions by letter. */
export interface PuzzleRecord {
  /** Number of clues in the prompt. */
  num_clues: number;
  prompt: string;
  /** Answer by letter, e.g. { A: "Mrs. White" }. */
  solution: Readonly<Record<string, string>>;
}

/**
 * Parses a file of cases: a JSON array, or one JSON object per line (JSONL).
 *
 * Unknown fields are dropped.
 *
 * @throws DatasetError naming the line or record, and the field
 */
export function parseDataset(text: string): PuzzleRecord[] {
  const body = text.replace(/^\uFEFF/, "");
  if (body.trim() === "") throw new DatasetError("file", "holds no cases");
  const items = /^\s*\[/.test(body) ? parseArray(body) : parseLines(body);
  if (items.length === 0) throw new DatasetError("file", "holds no cases");
  return items.map(({ place, value }) => checkRecord(place, value));
}

interface PlacedValue {
  place: string;
  value: unknown;
}

function parseArray(text: string): PlacedValue[] {
  const values = parseJson(text, "file") as unknown[];
  return values.map((value, index) => ({ place: `record ${index + 1}`, value }));
}

function parseLines(text: string): PlacedValue[] {
  return text
    .split("\n")
    .map((line, index) => ({ line, place: `line ${index + 1}` }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, place }) => ({ place, value: parseJson(line, place) }));
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new DatasetError(place, jsonProblem(thrown));
  }
}

function checkRecord(place: string, value: unknown): PuzzleRecord {
  if (!isObject(value)) throw new DatasetError(place, "must be a JSON object");
  const { num_clues, prompt, solution } = value;
  if (!Number.isSafeInteger(num_clues) || (num_clues as number) < 0) {
    throw new DatasetError(place, "must be a whole number, 0 or more", "num_clues");
  }
  if (typeof prompt !== "string" || prompt.trim() === "") {
    throw new DatasetError(place, "must be a text that is not empty", "prompt");
  }
  if (prompt.length > MAX_PROMPT_CHARACTERS) {
    const problem = `has ${prompt.length} characters, at most ${MAX_PROMPT_CHARACTERS}`;
    throw new DatasetError(place, problem, "prompt");
  }
  return { num_clues: num_clues as number, prompt, solution: checkSolution(place, solution) };
}

function checkSolution(place: string, value: unknown): Record<string, string> {
  if (!isObject(value) || Object.keys(value).length === 0) {
    throw new DatasetError(place, "must map letters to answers, one at least", "solution");
  }
  const entries = Object.entries(value).map(([letter, answer]): [string, string] => {
    const field = `solution.${letter}`;
    if (!/^[A-Z]$/.test(letter)) throw new DatasetError(place, "is not a letter A to Z", field);
    if (typeof answer !== "string" || answer.trim() === "") {
      throw new DatasetError(place, "must be a text that is not empty", field);
    }
    return [letter, answer];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
