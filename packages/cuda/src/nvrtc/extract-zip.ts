import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { openPromise, type ZipFile } from "yauzl";

import { WrongPackageError } from "../errors.js";

/**
 * Extracts some files of a zip file.
 *
 * @param targets  where each goes, by its name in the zip file
 * @throws WrongPackageError when it is no zip file or lacks one of them
 */
export async function extractZip(
  file: string,
  targets: ReadonlyMap<string, string>,
): Promise<void> {
  const zip = await openZip(file);
  const missing = new Set(targets.keys());
  try {
    for await (const entry of zip.eachEntry()) {
      const target = targets.get(entry.fileName);
      if (target === undefined) continue;
      missing.delete(entry.fileName);
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target));
    }
  } finally {
    zip.close();
  }
  const [name] = missing;
  if (name !== undefined) throw new WrongPackageError(file, `has no ${name}`);
}

async function openZip(file: string): Promise<ZipFile> {
  try {
    return await openPromise(file, { lazyEntries: true, autoClose: false });
  } catch (thrown) {
    const { message } = thrown as Error;
    throw new WrongPackageError(file, `is no zip file: ${message}`);
  }
}
