import { mkdir } from "node:fs/promises";

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
