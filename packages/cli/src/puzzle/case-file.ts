import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  statSync,
  writeSync,
} from "node:fs";

import { errorMessage, replaceFile } from "@gumshoe/core";

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
  const name = existsSync(path) ? realpathSync(path) : path;
  const isLines = path.endsWith(".jsonl");
  let count = 0;
  const write = async (writeTo: string, sync: boolean) => {
    const file = openFile(writeTo, path);
    try {
      count = await writeAll(file, { chunks, isLines, onProgress });
      if (sync) fsyncSync(file);
    } finally {
      closeSync(file);
    }
  };
  // What is no file, such as a pipe, is written as it is.
  if (existsSync(name) && !statSync(name).isFile()) await write(name, false);
  else await replaceFile(name, (temporary) => write(temporary, true));
  return count;
}

function openFile(writeTo: string, path: string): number {
  try {
    return openSync(writeTo, "w");
  } catch (thrown) {
    throw new FileError(path, `cannot be written: ${errorMessage(thrown)}`, thrown);
  }
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
