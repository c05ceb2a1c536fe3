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
  // A pipe or a device is written as it is, and cannot be synced.
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

/** Does one step of writing. @throws what writingError makes of the system's error */
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
