import { jsonProblem } from "@gumshoe/core";
import { z } from "zod";

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

const TEXT = "must be a text that is not empty";
const COUNT = "must be a whole number, 0 or more";
const ANSWERS = "must map letters to answers, one at least";
const FilledText = z.string(TEXT).refine((text) => text.trim() !== "", TEXT);
const Solution = z
  .record(z.string().regex(/^[A-Z]$/), FilledText, ANSWERS)
  .refine((solution) => Object.keys(solution).length > 0, ANSWERS)
  .transform((solution) =>
    Object.fromEntries(Object.entries(solution).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
const RecordSchema = z.object(
  {
    num_clues: z.int(COUNT).min(0, COUNT),
    prompt: FilledText.superRefine(({ length }, context) => {
      if (length <= MAX_PROMPT_CHARACTERS) return;
      const message = `has ${length} characters, at most ${MAX_PROMPT_CHARACTERS}`;
      context.addIssue({ code: "custom", message });
    }),
    solution: Solution,
  },
  "must be a JSON object",
);

function checkRecord(place: string, value: unknown): PuzzleRecord {
  const parsed = RecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = issue?.code === "invalid_key" ? "is not a letter A to Z" : issue?.message;
  const field = issue?.path.join(".") ?? "";
  throw new DatasetError(place, problem ?? "is not valid", field === "" ? null : field);
}
