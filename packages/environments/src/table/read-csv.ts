import { errorMessage } from "@gumshoe/core";
import { parse } from "csv-parse/sync";

import { TableProblem } from "../errors.js";
import type { TableRecord } from "./table-record.js";

/** Characters of one record: a task's messages may have a million. */
const MAX_RECORD_CHARACTERS = 4_000_000;

/** Reads CSV with a line of column names. @throws TableProblem naming the line */
export function readCsv(text: string, delimiter: string): TableRecord[] {
  try {
    const parsed = parse(text, {
      columns: checkNames,
      delimiter,
      info: true,
      max_record_size: MAX_RECORD_CHARACTERS,
      skip_empty_lines: true,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    return parsed.map(({ record, info }) => ({ place: `line ${info.lines}`, values: record }));
  } catch (error) {
    if (error instanceof TableProblem) throw error;
    throw new TableProblem(`is not CSV: ${errorMessage(error)}`);
  }
}

function checkNames(names: string[]): string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new TableProblem(`has the column ${twice} twice`);
  return names;
}
