/**
 * Deadlines and size limits of calls. Every call has a deadline, every request a size limit.
 *
 * A request is rejected by its length prefix, before it is buffered.
 */

/** Largest message, sent or received, in bytes: a lane's packs, a group, run assets. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Longest run config, in bytes: configs are written by hand. */
export const MAX_CONFIG_BYTES = 64 * 1024;

/** Longest request of a call without the token, and of an unknown method, in bytes. */
export const MAX_OPEN_REQUEST_BYTES = 4096;

/** Longest request of a method that is not in the table below, in bytes. */
const DEFAULT_REQUEST_BYTES = 64 * 1024;

/** Longest path of a folder: PATH_MAX of Linux. */
const MAX_PATH_BYTES = 4096;

/** Request limits of single methods, in bytes. */
const MAX_REQUEST_BYTES: Readonly<Record<string, number>> = {
  // The config, its folder, their field headers, and a number.
  SubmitRun: MAX_CONFIG_BYTES + MAX_PATH_BYTES + 24,
  // All rollouts of a group: tokens, log-probs, texts.
  SubmitGroup: MAX_MESSAGE_BYTES,
  Register: 4096,
  Heartbeat: 4096,
  Leave: 4096,
  GetRun: 4096,
  ListRuns: 4096,
  CancelRun: 4096,
  ForgetRun: 4096,
  WatchRun: 4096,
  ListRollouts: 4096,
  ListCheckpoints: 4096,
  DownloadCheckpoint: 4096,
  GetFleet: 4096,
  Check: MAX_OPEN_REQUEST_BYTES,
  Watch: MAX_OPEN_REQUEST_BYTES,
  ServerReflectionInfo: MAX_OPEN_REQUEST_BYTES,
};

/** Time limit for receiving the request of a call without the token, in ms. */
export const OPEN_ARRIVAL_MS = 10_000;
/** Time after which a stream without the token is ended, in ms; its caller may open another. */
export const OPEN_STREAM_MS = 600_000;
/** Most concurrent calls without the token. */
export const MAX_OPEN_CALLS = 256;
/** Most concurrent streams without the token. */
export const MAX_OPEN_STREAMS = 64;

/** Most concurrent streams of a connection, once a call on it has presented the token. */
export const MAX_STREAMS = 1000;
/**
 * Most concurrent streams of a connection before that; the HTTP/2 server refuses further ones at
 * little cost.
 */
export const MAX_STREAMS_BEFORE_TOKEN = 100;
/**
 * Most calls without the token that a connection may begin in one event-loop iteration; a single
 * read can contain 700.
 */
export const MAX_OPEN_CALLS_AT_ONCE = 80;
/** The limit for all such connections together: some 30 ms of work. */
export const MAX_ALL_OPEN_CALLS_AT_ONCE = 160;

/**
 * Interval over which a watcher's events are gathered into one message, in ms: bounds the
 * coordinator's cost per watcher.
 */
export const WATCH_GATHER_MS = 500;

/** Deadline of a call that is not in the table below, in ms. */
const DEFAULT_DEADLINE_MS = 10_000;

/** Deadlines of methods that move bulk data, wait for others or sync files, in ms. */
const DEADLINES_MS: Readonly<Record<string, number>> = {
  // After the deadline a watcher resumes from its last event.
  WatchRun: 3_600_000,
  // After the deadline a download resumes from its last byte.
  DownloadCheckpoint: 3_600_000,
  // Opens the model and the datasets of the config, waits for a module's first task and grade, and
  // may delete the run that is replaced.
  SubmitRun: 180_000,
  // Waits for the job in progress.
  CancelRun: 60_000,
  // Deletes all files of a run, possibly thousands.
  ForgetRun: 300_000,
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
  SetReference: 300_000,
  PullTensor: 300_000,
};

/** Returns the deadline of a call, in ms, from the method's path `/gumshoe.v1.Service/Method`. */
export function deadlineMs(path: string): number {
  return ownValue(DEADLINES_MS, methodName(path)) ?? DEFAULT_DEADLINE_MS;
}

/** Returns the size limit of a method's requests, in bytes, from its path. */
export function maxRequestBytes(path: string): number {
  return ownValue(MAX_REQUEST_BYTES, methodName(path)) ?? DEFAULT_REQUEST_BYTES;
}

/** Returns a method's name from its path. */
function methodName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * The path comes from the caller: names such as `constructor` must not match inherited properties.
 */
function ownValue(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
