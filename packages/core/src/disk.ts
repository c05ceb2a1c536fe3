import { mkdirSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { ClusterError, DiskFullError, type DiskRoom, FolderAwayError } from "./errors.js";

/** Room without which nothing is written in earnest, in bytes. */
const LEAST_BYTES = 64_000;

const FULL = ["ENOSPC", "EDQUOT"];
/** What writing to a folder ends with that is gone, or on a disk that is. */
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
 * Translates a failure to write into the error that says what is wrong with the disk.
 *
 * @param folder       that was written to
 * @param neededBytes  that were to be written
 * @returns            null for a failure that is no fault of the disk
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
 * Makes a folder and its missing parents. `mkdirSync` with `recursive` does not return when an existing parent
 * answers ENOENT, as /proc does.
 *
 * @param mode  permissions of folders that are made
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

/** Says whether an error, perhaps of another process, means that a disk is full or away. */
export function isDiskError(thrown: unknown): thrown is ClusterError {
  return thrown instanceof ClusterError && typeof thrown.details["disk"] === "string";
}

/** Returns the system's code of an error or of what caused it, e.g. ENOSPC; empty for none. */
export function errnoOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ("errno" in error && "code" in error && typeof error.code === "string") return error.code;
  }
  return "";
}

/** Returns the room of a folder's disk; that of its parent when the folder is not there. */
export function diskRoom(folder: string): DiskRoom {
  try {
    const { bavail, bfree, bsize, files, ffree } = statfsSync(folder);
    // Some of it is kept for root.
    const freeBytes = (process.getuid?.() === 0 ? bfree : bavail) * bsize;
    // Some file systems make room for files as they go, and say that they have none.
    return { freeBytes, freeFiles: files === 0 ? null : ffree };
  } catch {
    const parent = dirname(folder);
    return parent === folder ? { freeBytes: 0, freeFiles: null } : diskRoom(parent);
  }
}
