/**
 * Deadlines and sizes of calls. No call is without a deadline, no request without a limit.
 *
 * A request is refused by its length prefix, before it is buffered.
 */

/** Largest message, sent or received, in bytes: a lane's packs, a group, run assets. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** Longest run config, in bytes: it is written by hand. */
export const MAX_CONFIG_BYTES = 64 * 1024;

/** Longest request of a call that needs no token, in bytes, and of any method that cannot be told apart. */
export const MAX_OPEN_REQUEST_BYTES = 4096;

/** Longest request of a method that the table below does not name, in bytes. */
const DEFAULT_REQUEST_BYTES = 64 * 1024;

/** Longest path of a folder, as most systems have it. */
const MAX_PATH_BYTES = 4096;

/** Methods with longer or shorter requests. */
const MAX_REQUEST_BYTES: Readonly<Record<string, number>> = {
  // The config, its folder, their frames, and a number.
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

/** Time for the request of a call without the token to arrive, in ms. */
export const OPEN_ARRIVAL_MS = 10_000;
/** Time after which a stream without the token is ended, in ms; its caller may open it again. */
export const OPEN_STREAM_MS = 600_000;
/** Most calls without the token that are served at a time. */
export const MAX_OPEN_CALLS = 256;
/** Most streams without the token that are served at a time. */
export const MAX_OPEN_STREAMS = 64;

/** Most streams of a connection at a time, once a call on it has shown the token. */
export const MAX_STREAMS = 1000;
/** Most streams of a connection at a time before that; a server of HTTP/2 refuses more at little cost. */
export const MAX_STREAMS_BEFORE_TOKEN = 100;
/** Most calls without the token that a connection begins in one iteration of the event loop; one read can hold 700. */
export const MAX_OPEN_CALLS_AT_ONCE = 80;
/** The same of all such connections together: some 30 ms. */
export const MAX_ALL_OPEN_CALLS_AT_ONCE = 160;

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
  // Opens the model and the datasets that the config names, waits for the first task and grade of a module, and may
  // delete the run that is replaced.
  SubmitRun: 180_000,
  // Waits for the job in flight.
  CancelRun: 60_000,
  // Deletes all files of a run, thousands of them.
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
  PullTensor: 300_000,
};

/** Returns the time that a call may take, in ms, from its path `/gumshoe.v1.Service/Method`. */
export function deadlineMs(path: string): number {
  return ownValue(DEADLINES_MS, methodName(path)) ?? DEFAULT_DEADLINE_MS;
}

/** Returns the largest request of a method, in bytes, from its path. */
export function maxRequestBytes(path: string): number {
  return ownValue(MAX_REQUEST_BYTES, methodName(path)) ?? DEFAULT_REQUEST_BYTES;
}

/** Returns the name of a method from its path. */
export function methodName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path is the caller's: `constructor` is no method of the table. */
function ownValue(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
