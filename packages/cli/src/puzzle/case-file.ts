import { closeSync, openSync, writeSync } from "node:fs";

import { errorMessage } from "@gumshoe/core";
import { generateCase, randomGuessLevel, type Style, type TierName } from "@gumshoe/puzzles";

import { FileError } from "../errors.js";

/** Which cases are generated. */
export interface CaseSeries {
  readonly tier: TierName;
  readonly style: Style;
  readonly seed: number;
  readonly count: number;
}

/** Makes the records of a series, one after the other. */
export function* generateRecords(series: CaseSeries) {
  const { tier, style, seed, count } = series;
  for (let index = 0; index < count; index++) {
    const made = generateCase({ tier, style, seed, index });
    yield {
      id: `${tier}-${style}-${seed}-${index}`,
      num_clues: made.clues.length,
      prompt: made.prompt,
      solution: made.solution,
      random_guess: randomGuessLevel(made),
    };
  }
}

/**
 * Writes records to a file as they come: JSONL when its name ends in .jsonl, else a JSON array.
 *
 * @returns  how many were written
 */
export function writeRecords(path: string, records: Iterable<unknown>): number {
  const isLines = path.endsWith(".jsonl");
  let file: number;
  try {
    file = openSync(path, "w");
  } catch (thrown) {
    throw new FileError(path, `cannot be written: ${errorMessage(thrown)}`, thrown);
  }
  let count = 0;
  try {
    if (!isLines) writeSync(file, "[");
    for (const record of records) {
      const separator = count === 0 ? "" : ",";
      writeSync(
        file,
        isLines ? `${JSON.stringify(record)}\n` : `${separator}\n${JSON.stringify(record)}`,
      );
      count++;
    }
    if (!isLines) writeSync(file, "\n]\n");
  } finally {
    closeSync(file);
  }
  return count;
}
