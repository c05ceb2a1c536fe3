import { dirname } from "node:path";

import {
  ClusterError,
  diskError,
  DiskFullError,
  errnoOf,
  errorMessage,
  type InvalidArgumentError,
  InvalidFieldsError,
} from "@gumshoe/core";

/** Thrown when no Redis server is installed on this machine. */
export class MissingRedisError extends ClusterError {
  constructor() {
    super(
      "FAILED_PRECONDITION",
      "no redis-server or valkey-server on the PATH; the queues between the processes need one. " +
        "Debian and Ubuntu: sudo apt-get install redis-server; macOS: brew install redis",
    );
  }
}

/** Thrown when the requested port is in use. */
export class PortInUseError extends ClusterError {
  constructor(readonly port: number) {
    super("FAILED_PRECONDITION", `port ${port} of 127.0.0.1 is in use; choose another by --port`, {
      details: { port },
    });
  }
}

/** Thrown when a local cluster is running in this home already. */
export class HomeInUseError extends ClusterError {
  constructor(
    readonly home: string,
    readonly pid: number,
  ) {
    super(
      "FAILED_PRECONDITION",
      `a cluster already runs in ${home} (process ${pid}); hand it runs by gumshoe submit --home ` +
        `${home}, or name another --home`,
      { details: { home, pid } },
    );
  }
}

/** Thrown when a process of the local cluster has ended and a restart would not help. */
export class ProcessFailedError extends ClusterError {
  constructor(
    readonly processName: string,
    reason: string,
    readonly logFile: string,
  ) {
    super("FAILED_PRECONDITION", `${processName}: ${reason} (log: ${logFile})`, {
      details: { process: processName, logFile },
    });
  }
}

/** Thrown when a run ended without a result. */
export class RunNotDoneError extends ClusterError {
  constructor(
    readonly run: string,
    readonly problem: string,
    /** Code of the error that ended the run; null for none. */
    readonly endCode: string | null = null,
  ) {
    super("FAILED_PRECONDITION", `run ${run} ${problem}`, { details: { run } });
  }
}

/** Thrown when some runs of a sweep failed; the others are done. */
export class SweepIncompleteError extends ClusterError {
  constructor(sweep: string, numFailed: number, numRuns: number) {
    const problem = `${numFailed} of ${numRuns} runs failed; their reasons are above`;
    super("FAILED_PRECONDITION", `sweep ${sweep}: ${problem}`, { details: { sweep, numFailed } });
  }
}

/** Thrown when the user interrupts the command; the reason of its signal. */
export class InterruptedError extends ClusterError {
  constructor() {
    super("ABORTED", "stopped on request");
  }
}

/** Thrown when a file named by the user cannot be read or written. */
export class FileError extends ClusterError {
  constructor(
    readonly path: string,
    problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${path}: ${problem}`, { details: { path }, cause });
  }
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  EISDIR: "is a folder",
  ENOTDIR: "lies below a file",
  EACCES: "is not permitted",
  EPERM: "is not permitted",
  EROFS: "lies on a read-only disk",
  ELOOP: "is a link that leads to itself",
};

/** Converts the system's error about reading a file. */
export function readingError(path: string, thrown: unknown): FileError {
  const code = errnoOf(thrown);
  const problem = code === "ENOENT" ? "there is no such file" : FILE_PROBLEMS[code];
  return new FileError(path, problem ?? errorMessage(thrown), thrown);
}

/** Converts the system's error about writing a file. */
export function writingError(path: string, thrown: unknown): ClusterError {
  const fault = diskError(thrown, dirname(path));
  if (fault instanceof DiskFullError) return fault;
  const code = errnoOf(thrown);
  const problem = code === "ENOENT" ? "its folder does not exist" : FILE_PROBLEMS[code];
  return new FileError(path, `cannot be written: ${problem ?? errorMessage(thrown)}`, thrown);
}

/**
 * Thrown when a config file is invalid; the message begins with the field and ends with the file,
 * and has a line for each field if there are several.
 */
export class ConfigFileError extends ClusterError {
  constructor(path: string, cause: InvalidArgumentError) {
    const message =
      cause instanceof InvalidFieldsError
        ? [`${cause.count} problems in ${path}:`, ...cause.problems].join("\n  ")
        : `${cause.message}, in ${path}`;
    super("INVALID_ARGUMENT", message, {
      details: { ...cause.details, file: path },
      cause,
    });
  }
}

/** Thrown when an OpenAI-compatible endpoint responds with an error, or not at all. */
export class EndpointError extends ClusterError {
  constructor(
    readonly url: string,
    readonly problem: string,
    retryable: boolean,
    /** The failure, and the wait that the endpoint requested. */
    readonly about: {
      readonly kind: "timeout" | "connection" | "refused" | "reply";
      readonly retryAfterMs?: number | null;
    } = { kind: "reply" },
  ) {
    super(retryable ? "UNAVAILABLE" : "FAILED_PRECONDITION", `${url}: ${problem}`, {
      details: { url },
    });
  }
}

/** Thrown when an endpoint's response shows that no further request can succeed. */
export class EndpointEndedError extends ClusterError {
  constructor(
    readonly url: string,
    problem: string,
  ) {
    super("FAILED_PRECONDITION", `${url}: ${problem}`, { details: { url } });
  }
}

/** Thrown when an evaluation ended without a scored answer. */
export class NothingScoredError extends ClusterError {
  constructor(reason: string) {
    super("FAILED_PRECONDITION", `nothing could be scored: ${reason}`, { details: { reason } });
  }
}

/** Thrown when a run could not use a model folder. */
export class ModelNotUnderstoodError extends ClusterError {
  constructor(folder: string, problems: readonly string[]) {
    super("FAILED_PRECONDITION", `${folder} would not be understood: ${problems.join("; ")}`, {
      details: { folder, problems },
    });
  }
}

/** Thrown when this machine does not meet one of Gumshoe's requirements. */
export class MachineProblemError extends ClusterError {
  constructor(readonly names: readonly string[]) {
    super("FAILED_PRECONDITION", `this machine has problems: ${names.join(", ")}`, {
      details: { names },
    });
  }
}

/** Thrown when this build's results differ from the golden numbers. */
export class VerificationError extends ClusterError {
  constructor(numFailed: number, numChecks: number) {
    super("EXACTNESS", `${numFailed} of ${numChecks} outputs are not as they must be`, {
      details: { numFailed, numChecks },
    });
  }
}

/** Thrown when a file contains invalid cases. */
export class UnsoundCasesError extends ClusterError {
  constructor(numUnsound: number, numCases: number) {
    super("FAILED_PRECONDITION", `${numUnsound} of ${numCases} cases are not sound`, {
      details: { numUnsound, numCases },
    });
  }
}

/** Thrown when no cluster is running in the command's home. */
export class NoClusterError extends ClusterError {
  constructor(home: string, start: string) {
    super(
      "FAILED_PRECONDITION",
      `no cluster runs in ${home}: start one by ${start}, or name another by --address with its token`,
      { details: { home } },
    );
  }
}
