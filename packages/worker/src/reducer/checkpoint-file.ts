/**
 * Where a reducer may write: into a file that the coordinator prepared for a checkpoint of the run, below the
 * reducer's own home. A request names it by its place in the home, never by a free path.
 */
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";

import { diskError, errorMessage, FolderAwayError } from "@gumshoe/core";
import { type CheckpointFile, floatsToBytes } from "@gumshoe/protocol";

import { CheckpointPathError } from "../errors.js";

/** `runs/<run>/checkpoints/<iteration>.tmp/<file>`, with one more folder at most. */
const NAME = /^runs\/([a-z0-9][a-z0-9-]{0,62})\/checkpoints\/\d{1,10}\.tmp(\/\w[\w.-]{0,99}){1,2}$/;

/** A range of a flat vector, to be written at its place. */
export interface CheckpointRange {
  readonly home: string;
  readonly run: string;
  readonly file: CheckpointFile;
  /** First element. */
  readonly start: number;
  readonly values: Float32Array;
}

/**
 * Writes values into a prepared file at their place in the flat vector, and syncs it.
 *
 * @throws CheckpointPathError, and DiskFullError or FolderAwayError, which are waited for
 */
export async function writeCheckpointRange(range: CheckpointRange): Promise<void> {
  const { home, values } = range;
  const handle = await openPrepared(range);
  try {
    await writeValues(handle, range);
  } catch (error) {
    throw diskError(error, home, values.byteLength) ?? error;
  } finally {
    await handle.close();
  }
}

async function writeValues(
  handle: FileHandle,
  { file, start, values }: CheckpointRange,
): Promise<void> {
  const bytes = floatsToBytes(values);
  const position = file.dataOffset + start * Float32Array.BYTES_PER_ELEMENT;
  const { size } = await handle.stat();
  if (position + bytes.byteLength > size) {
    throw new CheckpointPathError(file.name, `has ${size} bytes, too few for this range`);
  }
  await handle.write(bytes, 0, bytes.byteLength, position);
  await handle.sync();
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
    // A home that is away may come back.
    if (diskError(error, home) !== null) throw new FolderAwayError(home, `${name} ${hint}`, error);
    throw new CheckpointPathError(name, hint, error);
  }
}
