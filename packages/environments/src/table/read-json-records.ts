import { jsonProblem } from "@gumshoe/core";

import { TableProblem } from "../errors.js";
import type { TableRecord } from "./table-record.js";

/** Reads one JSON object per line, or a JSON array of objects. @throws TableProblem naming the line */
export function readJsonRecords(text: string): TableRecord[] {
  return /^\s*\[/.test(text) ? readArray(text) : readLines(text);
}

function readArray(text: string): TableRecord[] {
  const items = parse(text, null) as unknown[];
  return items.map((item, i) => toRecord(item, `record ${i + 1}`));
}

function readLines(text: string): TableRecord[] {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const place = `line ${i + 1}`;
    return [toRecord(parse(line, place), place)];
  });
}

function parse(text: string, place: string | null): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TableProblem(`${place === null ? "" : `, ${place}: `}${jsonProblem(error)}`);
  }
}

function toRecord(value: unknown, place: string): TableRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TableProblem(`, ${place}: is no JSON object`);
  }
  return { place, values: value as Readonly<Record<string, unknown>> };
}
