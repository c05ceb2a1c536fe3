/**
 * Removes the folders of runs. A folder is renamed before it is deleted, so that after a crash the
 * run is either complete or gone; the next start deletes the remains.
 */
import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { errorMessage, InvalidArgumentError, type Logger, syncFolder } from "@gumshoe/core";
import { REMOVED_PREFIX } from "@gumshoe/protocol";

import { RunFilesGoneError } from "../errors.js";
import type { RunRecord } from "./run-record.js";

/** Bytes per block in `stat`'s block count. */
const BLOCK_BYTES = 512;

/** Returns whether an entry of the runs folder is left from a removed run. */
export function isRemoved(name: string): boolean {
  return name.startsWith(REMOVED_PREFIX);
}

/** Checks that a run's ledger is on disk. @throws RunFilesGoneError */
export async function checkFilesThere({ config, folder }: RunRecord): Promise<void> {
  try {
    await stat(join(folder, "ledger", "events.jsonl"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new RunFilesGoneError(config.name, folder);
  }
}

/**
 * Renames a run's folder, to free its name. A missing folder counts as renamed.
 *
 * @returns the folder's new path
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
 * Deletes a folder that was moved away. If that fails, the next start tries again.
 *
 * @returns bytes that were freed on disk
 */
export async function deleteMoved(moved: string, logger: Logger): Promise<number> {
  const before = await bytesOf(moved);
  try {
    // A run may be on another disk, behind a symbolic link.
    const target = await realpath(moved).catch(() => moved);
    await rm(target, { recursive: true, force: true });
    await rm(moved, { recursive: true, force: true });
    return before;
  } catch (error) {
    logger.warn({ folder: moved }, `a removed run's folder stays: ${errorMessage(error)}`);
    return before - (await bytesOf(moved));
  }
}

/** Deletes what interrupted removals have left in the runs folder. */
export async function deleteLeftovers(folder: string, logger: Logger): Promise<void> {
  for (const name of (await readdir(folder)).filter(isRemoved)) {
    await deleteMoved(join(folder, name), logger);
  }
}

/** Adds up the disk usage of a file, or of all files in a folder; 0 when it does not exist. */
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

/**
 * Makes the folder that holds one folder per run.
 *
 * @throws InvalidArgumentError when the path is a file: the configured home is not a home
 */
export async function makeRunsFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() === false) {
    throw new InvalidArgumentError("GUMSHOE_HOME", `${folder} is no folder`);
  }
  await mkdir(folder, { recursive: true });
}
