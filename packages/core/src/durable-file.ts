/**
 * Files that are there whole or not at all, after a sudden death too. (`write-file-atomic` does not sync
 * the folder, so a new name may be lost with the power.)
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { errorMessage, WriteFailedError } from "./errors.js";

// File descriptors, not the FileHandles of fs/promises: thousands of those a minute would lie around until
// the next garbage collection.
const open = promisify(fs.open);
const writeFile = promisify(fs.writeFile);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);

/**
 * Writes a file and makes it last: a temporary file, synced, renamed, and the folder synced.
 *
 * @throws WriteFailedError
 */
export async function writeDurably(file: string, data: Uint8Array | string): Promise<void> {
  await writeWhole(file, data);
  await syncFolder(dirname(file));
}

/**
 * Does what {@link writeDurably} does, but for the last step: the name lasts once the folder is synced.
 *
 * @throws WriteFailedError
 */
export async function writeWhole(file: string, data: Uint8Array | string): Promise<void> {
  try {
    await replaceFile(file, (temporary) => writeFile(temporary, data, { flush: true }));
  } catch (error) {
    throw new WriteFailedError(file, errorMessage(error), error);
  }
}

/**
 * Replaces a file by one that `write` makes under a temporary name. What could not be written whole is
 * removed: on a full disk it would take the room that others need.
 *
 * @param write  writes and syncs the file
 * @throws       what `write` throws; the system's error when the file cannot be renamed
 */
export async function replaceFile(
  file: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryOf(file);
  try {
    await write(temporary);
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Does what {@link writeDurably} does. @param mode  permissions of the file. @throws the system's error */
export function writeDurablySync(file: string, data: string, mode = 0o666): void {
  const temporary = temporaryOf(file);
  try {
    fs.rmSync(temporary, { force: true });
    fs.writeFileSync(temporary, data, { mode, flush: true });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  const folder = fs.openSync(dirname(file), "r");
  try {
    fs.fsyncSync(folder);
  } finally {
    fs.closeSync(folder);
  }
}

/** Makes renames and new files in a folder last. @throws WriteFailedError */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const descriptor = await open(folder, "r");
    try {
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
  } catch (error) {
    throw new WriteFailedError(folder, errorMessage(error), error);
  }
}

/** Processes that write the same file do not write into each other's. */
function temporaryOf(file: string): string {
  return `${file}.${process.pid}.tmp`;
}
