import { DatasetError, parseDataset, type PuzzleRecord } from "@gumshoe/puzzles";

import { FileError } from "../errors.js";
import { readUserFile } from "../run/load-config.js";

/** Reads a file of cases. @throws FileError naming the file, and the line or case in it */
export function readCases(path: string): PuzzleRecord[] {
  const text = readUserFile(path);
  try {
    return parseDataset(text);
  } catch (thrown) {
    if (!(thrown instanceof DatasetError)) throw thrown;
    const problem = thrown.place === "file" ? thrown.problem : thrown.message;
    throw new FileError(path, problem, thrown);
  }
}
