/**
 * Deadlines and sizes of calls. No call is without a deadline.
 */

/** Largest message, sent or received, in bytes: a lane's packs, a group, run assets. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Longest run config, in bytes: it is written by hand. */
export const MAX_CONFIG_BYTES = 1_000_000;

/** Calls of users whose requests are small: no stranger makes us decode a large one. */
const MAX_REQUEST_BYTES: Readonly<Record<string, number>> = {
  // The config, and the frame of its field.
  SubmitRun: MAX_CONFIG_BYTES + 8,
  GetRun: 4096,
  ListRuns: 4096,
  CancelRun: 4096,
  WatchRun: 4096,
  ListRollouts: 4096,
  ListCheckpoints: 4096,
  DownloadCheckpoint: 4096,
};

/** Time of which a watcher gets the events in one message: many watchers then cost the coordinator little. */
export const WATCH_GATHER_MS = 500;

/** Deadline of a call that the table below does not name. */
const DEFAULT_DEADLINE_MS = 10_000;

/** Calls that move bulk data, wait for others or sync files. */
const DEADLINES_MS: Readonly<Record<string, number>> = {
  // A watcher resumes from its last event when this is over.
  WatchRun: 3_600_000,
  // Goes on from its last byte.
  DownloadCheckpoint: 3_600_000,
  // Opens the model and the datasets that the config names.
  SubmitRun: 60_000,
  // Waits for the job in flight.
  CancelRun: 60_000,
  ListRollouts: 30_000,
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
  return DEADLINES_MS[methodName(path)] ?? DEFAULT_DEADLINE_MS;
}

/** Returns the largest request of a method, in bytes, from its path. */
export function maxRequestBytes(path: string): number {
  return MAX_REQUEST_BYTES[methodName(path)] ?? MAX_MESSAGE_BYTES;
}

/** Returns the name of a method from its path. */
export function methodName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
