import { access, constants, stat, statfs, unlink, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";

import {
  ClusterError,
  diskError,
  DiskFullError,
  diskRoom,
  errnoOf,
  isDiskError,
} from "@gumshoe/core";
import { RedisUnavailableError } from "@gumshoe/queue";

import { PlanLostError, RunStoppedError } from "../errors.js";

/** Bytes that are written to try whether a disk takes them. */
const PROBE_BYTES = 64_000;
const PROBE = ".room";

/**
 * Why an attempt at a run ended.
 *
 * - `plan`: the reducers of its plan are not all there any more
 * - `redis`: Redis is away, or cannot do its work for a while
 * - `disk`: the disk is full, or the run's folder is away
 * - `retry`: another part of the cluster is away
 * - `fatal`: the same attempt would end the same way
 */
export type AttemptFailure =
  | { readonly type: "plan" | "redis" | "retry" | "fatal"; readonly error: unknown }
  | { readonly type: "disk"; readonly error: ClusterError };

/** Finds out why an attempt at a run ended: the one place that decides what is waited for. */
export async function attemptFailure(error: unknown, folder: string): Promise<AttemptFailure> {
  if (error instanceof RunStoppedError) return { type: "fatal", error };
  if (error instanceof PlanLostError) return { type: "plan", error };
  if (error instanceof RedisUnavailableError) return { type: "redis", error };
  const disk = diskFault(error, folder) ?? (await folderFault(folder));
  if (disk !== null) return { type: "disk", error: disk };
  const mayRetry = error instanceof ClusterError && error.retryable;
  return { type: mayRetry ? "retry" : "fatal", error };
}

/**
 * Says what still keeps a run from writing to its folder; null when it may try again.
 *
 * @param error  what ended the last attempt
 */
export async function remainingFault(
  error: ClusterError,
  folder: string,
): Promise<ClusterError | null> {
  const fault = await folderFault(folder);
  if (fault !== null || !(error instanceof DiskFullError)) return fault;
  const neededBytes = Number(error.details["neededBytes"]);
  const room = diskRoom(folder);
  return room.freeBytes >= neededBytes ? null : new DiskFullError(folder, { ...room, neededBytes });
}

/** Reads the disk's part in an error, which names a file, the disk, or neither. */
function diskFault(error: unknown, folder: string): ClusterError | null {
  if (isDiskError(error)) return ownKind(error, folder);
  const fault = diskError(error, folder);
  if (fault === null || fault instanceof DiskFullError) return fault;
  // A model or a dataset that is gone is no fault of the run's folder, and a lost blob is lost.
  if (error instanceof ClusterError && error.code === "DATA_LOSS") return null;
  return pathOf(error).startsWith(folder + sep) ? fault : null;
}

/** A full disk that another process has found is the disk of the run's folder: workers write nowhere else. */
function ownKind(error: ClusterError, folder: string): ClusterError {
  if (error instanceof DiskFullError || error.details["disk"] !== "full") return error;
  const neededBytes = Number(error.details["neededBytes"]);
  return new DiskFullError(folder, { ...diskRoom(folder), neededBytes }, error);
}

/** Tries whether the run's folder can be written to. */
async function folderFault(folder: string): Promise<ClusterError | null> {
  const probe = join(folder, PROBE);
  try {
    await stat(folder);
    await access(folder, constants.W_OK);
    await statfs(folder);
    await writeFile(probe, Buffer.alloc(PROBE_BYTES), { flush: true });
    return null;
  } catch (error) {
    return diskError(error, folder, PROBE_BYTES);
  } finally {
    await unlink(probe).catch(() => undefined);
  }
}

/** The file that a failed operation of the system was about; empty where it does not say. */
function pathOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (errnoOf(error) !== "" && "path" in error && typeof error.path === "string") {
      return error.path;
    }
  }
  return "";
}
