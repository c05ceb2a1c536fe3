import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";

/** Largest size of a file of tasks: larger ones would exceed the coordinator's documented memory limit. */
export const MAX_DATA_BYTES = 512 * 2 ** 20;

/** Begins the file that Git leaves in the place of one that it has not fetched. */
const GIT_POINTER = "version https://git-lfs.github.com/spec/";

/** Throws an error that names the field and the file. */
export type Refuse = (problem: string, cause?: unknown) => never;

/** The content of a file of tasks. */
export interface DataFile {
  readonly bytes: Buffer;
  readonly refuse: Refuse;
}

/**
 * Reads a file of tasks.
 *
 * @param field  config field that names it, for errors
 * @param holds  what the file holds, for errors, e.g. "cases"
 * @throws       InvalidArgumentError naming the field and the file
 */
export async function readDataFile(field: string, file: string, holds: string): Promise<DataFile> {
  const refuse: Refuse = (problem, cause) => {
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
  if (!found.isFile()) return refuse(`is ${kindOf(found)}, not a file of ${holds}`);
  if (found.size > MAX_DATA_BYTES)
    return refuse(`has ${found.size} bytes, more than ${MAX_DATA_BYTES}`);
  const bytes = await readFile(file).catch((cause: unknown) =>
    refuse(`cannot be read: ${errorMessage(cause)}`, cause),
  );
  return { bytes, refuse };
}

/** Returns the content of a text file, without a byte order mark; refuses other encodings. */
export function textOf(bytes: Buffer, refuse: Refuse): string {
  const encoding = otherEncoding(bytes);
  if (encoding !== null) return refuse(`is ${encoding}; save it as UTF-8`);
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (!text.startsWith(GIT_POINTER)) return text;
  return refuse("is a Git LFS pointer, not the file itself: run git lfs pull in its folder");
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

/**
 * Returns the part of a file's records that a config names.
 *
 * @param field  config field of the source, for errors
 * @param split  index of the first record and of the one after the last; null for all
 * @throws       InvalidArgumentError
 */
export function splitRecords<T>(
  records: readonly T[],
  { field, file, split }: { field: string; file: string; split: readonly [number, number] | null },
): T[] {
  const [from, to] = split ?? [0, records.length];
  if (to <= records.length) return records.slice(from, to);
  const problem = `ends at ${to}, but ${file} has ${records.length} records`;
  throw new InvalidArgumentError(`${field}.split`, problem);
}
