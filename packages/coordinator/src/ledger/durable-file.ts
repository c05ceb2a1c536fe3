import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

import { errorMessage } from "@gumshoe/core";

import { WriteFailedError } from "../errors.js";

/**
 * Writes a file so that it is there whole, or not at all: a temporary file, synced, then renamed.
 *
 * @throws WriteFailedError
 */
export async function writeDurably(file: string, data: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    throw new WriteFailedError(file, errorMessage(error), error);
  }
}

/** Makes renames and new files in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
