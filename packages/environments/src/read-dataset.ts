import { type Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { DatasetError, parseDataset, type PuzzleRecord } from "@gumshoe/puzzles";

/** Larger files would exceed the coordinator's documented memory limit. */
const MAX_BYTES = 512 * 2 ** 20;

/** Begins the file that Git leaves in the place of one that it has not fetched. */
const GIT_POINTER = "version https://git-lfs.github.com/spec/";

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
  const refuse = (problem: string, cause?: unknown): never => {
    const space = problem.startsWith(",") ? "" : " ";
    throw new InvalidArgumentError(field, `${file}${space}${problem}`, { cause });
  };
  let found: Stats;
  try {
    found = await stat(file);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    return refuse(isMissing ? "does not exist" : `cannot be read: ${errorMessage(cause)}`, cause);
  }
  // Reading a pipe would block, and a device may never end.
  if (!found.isFile()) return refuse(`is ${kindOf(found)}, not a file of cases`);
  if (found.size > MAX_BYTES) return refuse(`has ${found.size} bytes, more than ${MAX_BYTES}`);
  const bytes = await readFile(file).catch((cause: unknown) =>
    refuse(`cannot be read: ${errorMessage(cause)}`, cause),
  );
  const encoding = otherEncoding(bytes);
  if (encoding !== null) return refuse(`is ${encoding}; save it as UTF-8`);
  const text = bytes.toString("utf8");
  if (text.startsWith(GIT_POINTER)) {
    return refuse("is a Git LFS pointer, not the file itself: run git lfs pull in its folder");
  }
  if (!/^\uFEFF?\s*([[{]|$)/.test(text.slice(0, 1000))) {
    return refuse("holds no cases: it begins with neither [ nor {");
  }
  try {
    return { records: parseDataset(text), bytes };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return refuse(error.place === "file" ? error.problem : `, ${error.message}`, error);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return "a folder";
  if (found.isFIFO()) return "a pipe";
  return "no regular file";
}

/** Returns the encoding or compression that a file's first bytes indicate; null for UTF-8. */
function otherEncoding(bytes: Buffer): string | null {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return "UTF-16 (little-endian)";
  if (first === 0xfe && second === 0xff) return "UTF-16 (big-endian)";
  if (bytes.subarray(0, 200).includes(0)) return "binary, or UTF-16 without a mark";
  if (first === 0x1f && second === 0x8b) return "compressed";
  return null;
}
