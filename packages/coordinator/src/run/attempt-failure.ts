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
import { SourceAwayError } from "@gumshoe/environments";
import { RedisUnavailableError } from "@gumshoe/queue";

import { PlanLostError, RunStoppedError } from "../errors.js";

/** Bytes written to probe whether the disk accepts writes. */
const PROBE_BYTES = 64_000;
const PROBE = ".room";

/**
 * Why an attempt at a run ended.
 *
 * - `plan`: the plan has lost a reducer
 * - `redis`: Redis cannot be reached, or cannot execute commands for now
 * - `disk`: the disk is full, or the run's folder is missing
 * - `source`: a server of tasks and grades is away
 * - `retry`: another part of the cluster is unavailable
 * - `fatal`: a retry would fail the same way
 */
export type AttemptFailure =
  | { readonly type: "plan" | "redis" | "retry" | "fatal"; readonly error: unknown }
  | { readonly type: "disk"; readonly error: ClusterError }
  | { readonly type: "source"; readonly error: SourceAwayError };

/**
 * Classifies the error that ended an attempt at a run; all decisions about retries are made from
 * it.
 */
export async function attemptFailure(error: unknown, folder: string): Promise<AttemptFailure> {
  if (error instanceof RunStoppedError) return { type: "fatal", error };
  if (error instanceof PlanLostError) return { type: "plan", error };
  if (error instanceof RedisUnavailableError) return { type: "redis", error };
  if (error instanceof SourceAwayError) return { type: "source", error };
  const disk = diskFault(error, folder) ?? (await folderFault(folder));
  if (disk !== null) return { type: "disk", error: disk };
  const mayRetry = error instanceof ClusterError && error.retryable;
  return { type: mayRetry ? "retry" : "fatal", error };
}

/**
 * Returns the fault that still prevents writing to a run's folder; null when it can be retried.
 *
 * @param error  the error that ended the last attempt
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

/**
 * Returns the disk fault in an error, which may name a file, the disk, or neither; null for others.
 */
function diskFault(error: unknown, folder: string): ClusterError | null {
  if (isDiskError(error)) return ownKind(error, folder);
  const fault = diskError(error, folder);
  if (fault === null || fault instanceof DiskFullError) return fault;
  // A missing model or dataset is no fault of the run's folder, and a lost blob stays lost.
  if (error instanceof ClusterError && error.code === "DATA_LOSS") return null;
  return pathOf(error).startsWith(folder + sep) ? fault : null;
}

/** Attributes another process's full disk to the run's folder: workers write nowhere else. */
function ownKind(error: ClusterError, folder: string): ClusterError {
  if (error instanceof DiskFullError || error.details["disk"] !== "full") return error;
  const neededBytes = Number(error.details["neededBytes"]);
  return new DiskFullError(folder, { ...diskRoom(folder), neededBytes }, error);
}

/** Probes whether the run's folder can be written to. */
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

/** Returns the path of a failed system call; empty when the error has none. */
function pathOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (errnoOf(error) !== "" && "path" in error && typeof error.path === "string") {
      return error.path;
    }
  }
  return "";
}
