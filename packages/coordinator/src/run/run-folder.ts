/**
 * Removes the folders of runs. A folder is renamed first and deleted then, so that a crash leaves the run whole
 * or gone; what a crash left is deleted at the next start.
 */
import { randomUUID } from "node:crypto";
import { lstat, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { errorMessage, type Logger, syncFolder } from "@gumshoe/core";
import { REMOVED_PREFIX } from "@gumshoe/protocol";

import { RunFilesGoneError } from "../errors.js";
import { type RunRecord } from "./run-record.js";

/** Bytes of a block, as `stat` counts them. */
const BLOCK_BYTES = 512;

/** Says whether an entry among the runs is the folder of a run that was removed. */
export function isRemoved(name: string): boolean {
  return name.startsWith(REMOVED_PREFIX);
}

/** Makes sure that a run's ledger is on disk. @throws RunFilesGoneError */
export async function checkFilesThere({ config, folder }: RunRecord): Promise<void> {
  try {
    await stat(join(folder, "ledger", "events.jsonl"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new RunFilesGoneError(config.name, folder);
  }
}

/**
 * Renames a run's folder, so that its name is free. A folder that is not there counts as renamed.
 *
 * @returns the folder's new place
 */
export async function moveAway(folder: string): Promise<string> {
  const moved = join(
    dirname(folder),
    `${REMOVED_PREFIX}${basename(folder)}-${randomUUID().slice(0, 8)}`,
  );
  try {
    await rename(folder, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await syncFolder(dirname(folder));
  return moved;
}

/**
 * Deletes a folder that was moved away. Where it cannot be deleted it stays until the next start.
 *
 * @returns bytes on disk that are free again
 */
export async function deleteMoved(moved: string, logger: Logger): Promise<number> {
  const before = await bytesOf(moved);
  try {
    // A run may lie on another disk, behind a link.
    const target = await realpath(moved).catch(() => moved);
    await rm(target, { recursive: true, force: true });
    await rm(moved, { recursive: true, force: true });
    return before;
  } catch (error) {
    logger.warn({ folder: moved }, `a removed run's folder stays: ${errorMessage(error)}`);
    return before - (await bytesOf(moved));
  }
}

/** Deletes what removals that were cut short have left among the runs. */
export async function deleteLeftovers(folder: string, logger: Logger): Promise<void> {
  for (const name of (await readdir(folder)).filter(isRemoved)) {
    await deleteMoved(join(folder, name), logger);
  }
}

/** Adds up the bytes on disk of a file, or of all files of a folder; 0 for what is not there. */
async function bytesOf(path: string): Promise<number> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) return await bytesOf(await realpath(path));
    let bytes = found.blocks * BLOCK_BYTES;
    if (!found.isDirectory()) return bytes;
    for (const name of await readdir(path)) {
      const entry = await lstat(join(path, name));
      bytes += entry.isDirectory() ? await bytesOf(join(path, name)) : entry.blocks * BLOCK_BYTES;
    }
    return bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
