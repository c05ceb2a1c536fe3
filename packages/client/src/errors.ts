import { ClusterError } from "@gumshoe/core";

/** Thrown when a watch lost the coordinator and could not reconnect in time. */
export class WatchLostError extends ClusterError {
  constructor(
    readonly run: string,
    /** Number of the last received event: a new watch can continue after it. */
    readonly lastNumber: number,
    cause: unknown,
  ) {
    super("UNAVAILABLE", `the watch of run ${run} was lost after event ${lastNumber}`, {
      details: { run, lastNumber },
      cause,
    });
  }
}

/** Thrown when a download lost the coordinator and could not reconnect in time. */
export class DownloadLostError extends ClusterError {
  constructor(
    readonly run: string,
    readonly receivedBytes: number,
    cause: unknown,
  ) {
    super("UNAVAILABLE", `the download from run ${run} was lost after ${receivedBytes} bytes`, {
      details: { run, receivedBytes },
      cause,
    });
  }
}

/** Thrown when a downloaded checkpoint differs from what was announced. */
export class CorruptDownloadError extends ClusterError {
  constructor(
    readonly file: string,
    problem: string,
  ) {
    super("DATA_LOSS", `${file}: ${problem}`, { details: { file } });
  }
}

/** Thrown when a downloaded file cannot be written, e.g. because the disk is full. */
export class DownloadWriteError extends ClusterError {
  constructor(
    readonly path: string,
    problem: string,
    cause: unknown,
  ) {
    super("FAILED_PRECONDITION", `${path} cannot be written: ${problem}`, {
      details: { path },
      cause,
    });
  }
}

/** Thrown when a config file cannot be read. */
export class ConfigFileError extends ClusterError {
  constructor(
    readonly path: string,
    problem: string,
    cause: unknown,
  ) {
    super("INVALID_ARGUMENT", `${path} cannot be read: ${problem}`, { details: { path }, cause });
  }
}
