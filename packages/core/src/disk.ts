import { mkdirSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { ClusterError, DiskFullError, type DiskRoom, FolderAwayError } from "./errors.js";

/** Smallest number of bytes that is reported as needed. */
const LEAST_BYTES = 64_000;

const FULL = ["ENOSPC", "EDQUOT"];
/** Errno codes of a folder that is missing or not writable, or whose disk is gone. */
const AWAY: Readonly<Record<string, string>> = {
  ENOENT: "it is gone",
  ENOTDIR: "it is gone",
  ENODEV: "its disk is gone",
  ENXIO: "its disk is gone",
  ENOTCONN: "its disk is gone",
  ESTALE: "its disk is gone",
  EIO: "its disk fails",
  EROFS: "it is read-only",
  EACCES: "it is not permitted",
  EPERM: "it is not permitted",
};

/**
 * Translates a failure to write into an error about the disk.
 *
 * @param folder       folder of the written file
 * @param neededBytes  bytes that were to be written
 * @returns            null when the disk is not the cause
 */
export function diskError(
  thrown: unknown,
  folder: string,
  neededBytes = LEAST_BYTES,
): ClusterError | null {
  if (isDiskError(thrown)) return thrown;
  const code = errnoOf(thrown);
  if (FULL.includes(code)) {
    const room = { ...diskRoom(folder), neededBytes: Math.max(neededBytes, LEAST_BYTES) };
    return new DiskFullError(folder, room, thrown);
  }
  const problem = AWAY[code];
  return problem === undefined ? null : new FolderAwayError(folder, `${problem} (${code})`, thrown);
}

/**
 * Creates a folder and its missing parents. `mkdirSync` with `recursive` loops for ever when an
 * existing parent answers ENOENT, as /proc does.
 *
 * @param mode  permissions of the created folders
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (thrown) {
    const isThere = errnoOf(thrown) === "EEXIST" && statSync(path).isDirectory();
    if (!isThere) throw thrown;
  }
}

/** Returns whether an error, also one of another process, means a full or missing disk. */
export function isDiskError(thrown: unknown): thrown is ClusterError {
  return thrown instanceof ClusterError && typeof thrown.details["disk"] === "string";
}

/** Returns the errno code of an error or of its cause, e.g. ENOSPC; empty for none. */
export function errnoOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("errno" in error && "code" in error && typeof error.code === "string") return error.code;
  }
  return "";
}

/** Returns the free space of a folder's disk; its parent's when the folder does not exist. */
export function diskRoom(folder: string): DiskRoom {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(folder);
    // `bfree` includes the blocks that are reserved for root.
    const freeBytes = (process.getuid?.() === 0 ? bfree : bavail) * bsize;
    // File systems with dynamic inodes report 0 files in total.
    return { freeBytes, freeFiles: files === 0 ? null : ffree };
  } catch {
    const parent = dirname(folder);
    return parent === folder ? { freeBytes: 0, freeFiles: null } : diskRoom(parent);
  }
}
