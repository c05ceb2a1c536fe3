import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";

import { errorMessage } from "@gumshoe/core";

import { FileError } from "../errors.js";

type Chunks = AsyncIterable<readonly string[]> | Iterable<readonly string[]>;

/**
 * Writes records to a file as they come: JSONL when its name ends in .jsonl, else a JSON array. The file
 * is there whole, or not at all: it gets its name when the last record is in.
 *
 * @param chunks      records as JSON texts
 * @param onProgress  told how many have been written
 * @returns           how many were written
 */
export async function writeRecords(
  path: string,
  chunks: Chunks,
  onProgress: (count: number) => void = () => undefined,
): Promise<number> {
  const { writeTo, name } = placeOf(path);
  let file: number;
  try {
    file = openSync(writeTo, "w");
  } catch (thrown) {
    throw new FileError(path, `cannot be written: ${errorMessage(thrown)}`, thrown);
  }
  let isWhole = false;
  try {
    const count = await writeAll(file, { chunks, isLines: path.endsWith(".jsonl"), onProgress });
    if (writeTo !== name) fsyncSync(file);
    isWhole = true;
    return count;
  } finally {
    closeSync(file);
    if (writeTo !== name) {
      if (isWhole) renameSync(writeTo, name);
      else rmSync(writeTo, { force: true });
    }
  }
}

/** Where a file is written, and the name that it gets. What is no file, such as a pipe, has one name. */
function placeOf(path: string): { writeTo: string; name: string } {
  const name = existsSync(path) ? realpathSync(path) : path;
  if (existsSync(name) && !statSync(name).isFile()) return { writeTo: name, name };
  return { writeTo: `${name}.${process.pid}.tmp`, name };
}

async function writeAll(
  file: number,
  what: { chunks: Chunks; isLines: boolean; onProgress: (count: number) => void },
): Promise<number> {
  const { isLines } = what;
  let count = 0;
  if (!isLines) writeSync(file, "[");
  for await (const texts of what.chunks) {
    for (const text of texts) {
      writeSync(file, isLines ? `${text}\n` : `${count === 0 ? "" : ","}\n${text}`);
      count++;
    }
    what.onProgress(count);
  }
  if (!isLines) writeSync(file, "\n]\n");
  return count;
}
