/**
 * Writes files atomically and durably: after a crash or power failure a file is complete or absent.
 * (`write-file-atomic` does not sync the folder, so a new name may be lost.)
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { errorMessage, WriteFailedError } from "./errors.js";

// File descriptors instead of the FileHandles of fs/promises, which the garbage collector has to
// free: thousands of them would accumulate per minute.
const open = promisify(fs.open);
const writeFile = promisify(fs.writeFile);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);

/**
 * Writes a file durably: writes and syncs a temporary file, renames it, and syncs the folder.
 *
 * @throws WriteFailedError
 */
export async function writeDurably(file: string, data: Uint8Array | string): Promise<void> {
  await writeWhole(file, data);
  await syncFolder(dirname(file));
}

/**
 * Writes like {@link writeDurably}, without syncing the folder: the new name is not durable before
 * that.
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
 * Replaces a file by one that `write` creates under a temporary name. A partial file is removed,
 * since it would occupy space on a full disk.
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

/**
 * Synchronous {@link writeDurably}. @param mode  permissions of the file. @throws the system's
 * error
 */
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

/** Syncs a folder, which makes its renames and new files durable. @throws WriteFailedError */
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

/** Includes the pid: processes that write the same file must not share a temporary file. */
function temporaryOf(file: string): string {
  return `${file}.${process.pid}.tmp`;
}
