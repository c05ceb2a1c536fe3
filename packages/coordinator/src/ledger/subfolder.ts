import { mkdir } from "node:fs/promises";

/**
 * Creates a folder if it is missing, but not its parent: the folder of a run that was moved away
 * must not reappear empty.
 */
export async function makeSubfolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
