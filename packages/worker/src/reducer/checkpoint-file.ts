/**
 * Where a reducer may write: into a file that the coordinator prepared for a checkpoint or a recovery point of the run,
 * below the reducer's own home. A request gives a path relative to that home, never an absolute one.
 */
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";

import { diskError, errorMessage, FolderAwayError } from "@gumshoe/core";
import { BYTES_PER_FLOAT, encodeFloats, type FloatFormat, isFloatFormat } from "@gumshoe/engine";
import type { CheckpointFile } from "@gumshoe/protocol";

import { CheckpointPathError } from "../errors.js";

/**
 * `runs/<run>/checkpoints/<iteration>.tmp/<file>` or `runs/<run>/recovery/<version>.tmp/<file>`, with at most one
 * more folder.
 */
const NAME =
  /^runs\/([a-z0-9][a-z0-9-]{0,62})\/(?:checkpoints|recovery)\/\d{1,10}\.tmp(\/\w[\w.-]{0,99}){1,2}$/;

/** A range of a flat vector and the position to write it to. */
export interface CheckpointRange {
  readonly home: string;
  readonly run: string;
  readonly file: CheckpointFile;
  /** First element of the flat vector, and one past the last. */
  readonly start: number;
  readonly end: number;
  /** Returns elements [start, end) of the flat vector. */
  readonly read: (start: number, end: number) => Promise<Float32Array>;
}

/** Elements that are written at a time. */
const WRITTEN_AT_ONCE = 1 << 20;

/**
 * Writes a range into a prepared file at its position in the flat vector, in pieces, and syncs it.
 *
 * @throws CheckpointPathError; DiskFullError or FolderAwayError, after which the write can be retried
 */
export async function writeCheckpointRange(range: CheckpointRange): Promise<void> {
  const { home, start, end } = range;
  const handle = await openPrepared(range);
  try {
    await writeValues(handle, range);
  } catch (error) {
    throw diskError(error, home, (end - start) * BYTES_PER_FLOAT[formatOf(range.file)]) ?? error;
  } finally {
    await handle.close();
  }
}

async function writeValues(
  handle: FileHandle,
  { file, start, end, read }: CheckpointRange,
): Promise<void> {
  const format = formatOf(file);
  const placeOf = (element: number) => file.dataOffset + element * BYTES_PER_FLOAT[format];
  const { size } = await handle.stat();
  if (placeOf(end) > size) {
    throw new CheckpointPathError(file.name, `has ${size} bytes, too few for this range`);
  }
  for (let at = start; at < end; at += WRITTEN_AT_ONCE) {
    const values = await read(at, Math.min(end, at + WRITTEN_AT_ONCE));
    const bytes = encodeFloats(values, format);
    await handle.write(bytes, 0, bytes.byteLength, placeOf(at));
  }
  await handle.sync();
}

function formatOf({ name, dtype }: CheckpointFile): FloatFormat {
  if (isFloatFormat(dtype)) return dtype;
  const problem = `has values of dtype ${JSON.stringify(dtype.slice(0, 20))}`;
  throw new CheckpointPathError(name.slice(0, 200), problem);
}

async function openPrepared({ home, run, file }: CheckpointRange): Promise<FileHandle> {
  const { name } = file;
  const named = NAME.exec(name);
  if (named === null || named[1] !== run) {
    throw new CheckpointPathError(name.slice(0, 200), `is no file of a checkpoint of run ${run}`);
  }
  try {
    const path = join(home, name);
    const folder = await realpath(dirname(path));
    if (!folder.startsWith((await realpath(home)) + sep)) {
      throw new CheckpointPathError(name, "leads out of the home");
    }
    return await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof CheckpointPathError) throw error;
    const hint =
      `cannot be opened in ${home} (${errorMessage(error)}): GUMSHOE_HOME of a reducer names the ` +
      "home of the coordinator, on a disk that both see";
    // The home may be on a disk that becomes available again.
    if (diskError(error, home) !== null) throw new FolderAwayError(home, `${name} ${hint}`, error);
    throw new CheckpointPathError(name, hint, error);
  }
}
