/**
 * Deadlines and sizes of calls. No call is without a deadline.
 */

/** Largest message, sent or received, in bytes: a lane's packs, a group, run assets. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Deadline of a call that the table below does not name. */
const DEFAULT_DEADLINE_MS = 10_000;

/** Calls that move bulk data, wait for others or sync files. */
const DEADLINES_MS: Readonly<Record<string, number>> = {
  // A watcher resumes from its last event when this is over.
  WatchRun: 3_600_000,
  GetRunAssets: 30_000,
  FetchLane: 60_000,
  SubmitGroup: 30_000,
  CompleteLane: 30_000,
  // Pulls a range of a gradient.
  Collect: 120_000,
  Norm: 60_000,
  Step: 120_000,
  // Read and write whole ranges of a checkpoint.
  Assign: 300_000,
  WriteCheckpoint: 300_000,
  PullTensor: 300_000,
};

/** Returns the time that a call may take, in ms, from its path `/gumshoe.v1.Service/Method`. */
export function deadlineMs(path: string): number {
  return DEADLINES_MS[path.slice(path.lastIndexOf("/") + 1)] ?? DEFAULT_DEADLINE_MS;
}
