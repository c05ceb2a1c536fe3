import * as fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { errorMessage } from "@gumshoe/core";

import { WriteFailedError } from "../errors.js";

// Plain numbers for open files: thousands of handles a minute, as fs/promises makes them, would wait
// for the collector.
const open = promisify(fs.open);
const writeFile = promisify(fs.writeFile);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const mkdir = promisify(fs.mkdir);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);

/**
 * Writes a file so that it is there whole, or not at all: a temporary file, synced, then renamed.
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
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const descriptor = await open(temporary, "w");
    try {
      await writeFile(descriptor, data);
      await fsync(descriptor);
    } finally {
      await close(descriptor);
    }
    await rename(temporary, file);
  } catch (error) {
    // On a full disk the half of it would take the room that others need.
    await unlink(temporary).catch(() => undefined);
    throw new WriteFailedError(file, errorMessage(error), error);
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

/**
 * Makes a folder where it is missing, but not the one that it lies in: that of a run which was moved away
 * must not come back empty.
 */
export async function makeSubfolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
