import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";

import { replaceFile } from "@gumshoe/core";

import { writingError } from "../errors.js";

type Chunks = AsyncIterable<readonly string[]> | Iterable<readonly string[]>;

/**
 * Writes records to a file as they arrive: JSONL when its name ends in .jsonl, otherwise a JSON
 * array. The file is complete or absent: it is renamed after the last record.
 *
 * @param chunks      records as JSON texts
 * @param onProgress  called with the number of written records
 * @returns           number of written records
 */
export async function writeRecords(
  path: string,
  chunks: Chunks,
  onProgress: (count: number) => void = () => undefined,
): Promise<number> {
  const name = existsSync(path) ? realpathSync(path) : path;
  // A pipe or device is written directly, and cannot be synced.
  if (existsSync(name) && !statSync(name).isFile()) return writeTo(name, false);
  let count = 0;
  await replaceFile(name, async (temporary) => {
    count = await writeTo(temporary, true);
  });
  return count;

  async function writeTo(target: string, isSynced: boolean): Promise<number> {
    const file = writing(path, () => openSync(target, "w"));
    try {
      const put = (text: string) => writing(path, () => writeFileSync(file, text));
      const written = await writeAll(put, { chunks, isLines: path.endsWith(".jsonl"), onProgress });
      if (isSynced) writing(path, () => fsyncSync(file));
      return written;
    } finally {
      closeSync(file);
    }
  }
}

/** Runs one step of writing. @throws the error that writingError returns */
function writing<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (thrown) {
    throw writingError(path, thrown);
  }
}

async function writeAll(
  put: (text: string) => void,
  what: { chunks: Chunks; isLines: boolean; onProgress: (count: number) => void },
): Promise<number> {
  const { isLines } = what;
  let count = 0;
  if (!isLines) put("[");
  for await (const texts of what.chunks) {
    for (const text of texts) {
      put(isLines ? `${text}\n` : `${count === 0 ? "" : ","}\n${text}`);
      count++;
    }
    what.onProgress(count);
  }
  if (!isLines) put("\n]\n");
  return count;
}
