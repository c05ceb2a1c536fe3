import { DatasetError, parseDataset, type PuzzleRecord } from "@gumshoe/puzzles";

import { readDataFile, textOf } from "./read-data-file.js";

/** A file of cases, and the hash of its bytes. */
export interface Dataset {
  readonly records: PuzzleRecord[];
  readonly bytes: Uint8Array;
}

/**
 * Reads a file of cases.
 *
 * @param field  config field that names it, for errors
 * @throws       InvalidArgumentError naming the field, the file and the line
 */
export async function readDataset(field: string, file: string): Promise<Dataset> {
  const { bytes, refuse } = await readDataFile(field, file, "cases");
  const text = textOf(bytes, refuse);
  if (!/^\s*([[{]|$)/.test(text.slice(0, 1000))) {
    return refuse("holds no cases: it begins with neither [ nor {");
  }
  try {
    return { records: parseDataset(text), bytes };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return refuse(error.place === "file" ? error.problem : `, ${error.message}`, error);
  }
}
