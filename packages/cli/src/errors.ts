import { ClusterError, type InvalidArgumentError, InvalidFieldsError } from "@gumshoe/core";

/** Thrown when there is no Redis server on this machine. */
export class MissingRedisError extends ClusterError {
  constructor() {
    super(
      "FAILED_PRECONDITION",
      "no redis-server or valkey-server on the PATH; the queues between the processes need one. " +
        "Debian and Ubuntu: sudo apt-get install redis-server; macOS: brew install redis",
    );
  }
}

/** Thrown when a port that was asked for is taken. */
export class PortInUseError extends ClusterError {
  constructor(readonly port: number) {
    super("FAILED_PRECONDITION", `port ${port} of 127.0.0.1 is in use; choose another by --port`, {
      details: { port },
    });
  }
}

/** Thrown when a local cluster runs in this home already. */
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

/** Thrown when a process of the local cluster ended in a way that a restart does not mend. */
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

/** Thrown when a run ended without its result. */
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

/** The reason of the signal when the user asked to stop. */
export class InterruptedError extends ClusterError {
  constructor() {
    super("ABORTED", "stopped on request");
  }
}

/** Thrown when a file that was named cannot be read or written. */
export class FileError extends ClusterError {
  constructor(
    readonly path: string,
    problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${path}: ${problem}`, { details: { path }, cause });
  }
}

/**
 * Thrown when a config file is wrong; the message begins with the field and ends with the file, and has a
 * line for each field where there are several.
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

/** Thrown when an OpenAI-compatible endpoint does not answer as it should. */
export class EndpointError extends ClusterError {
  constructor(
    readonly url: string,
    readonly problem: string,
    retryable: boolean,
    /** What failed, and the wait that the endpoint asked for. */
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

/** Thrown when an endpoint answers in a way that makes every further request pointless. */
export class EndpointEndedError extends ClusterError {
  constructor(
    readonly url: string,
    problem: string,
  ) {
    super("FAILED_PRECONDITION", `${url}: ${problem}`, { details: { url } });
  }
}

/** Thrown when an evaluation ended without a single answer that could be scored. */
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

/** Thrown when this machine lacks something that Gumshoe needs. */
export class MachineProblemError extends ClusterError {
  constructor(readonly names: readonly string[]) {
    super("FAILED_PRECONDITION", `this machine has problems: ${names.join(", ")}`, {
      details: { names },
    });
  }
}

/** Thrown when this build does not give the golden numbers. */
export class VerificationError extends ClusterError {
  constructor(numFailed: number, numChecks: number) {
    super("EXACTNESS", `${numFailed} of ${numChecks} outputs are not as they must be`, {
      details: { numFailed, numChecks },
    });
  }
}

/** Thrown when a file of cases holds some that are not sound. */
export class UnsoundCasesError extends ClusterError {
  constructor(numUnsound: number, numCases: number) {
    super("FAILED_PRECONDITION", `${numUnsound} of ${numCases} cases are not sound`, {
      details: { numUnsound, numCases },
    });
  }
}

/** Thrown when a command is for the cluster of a home in which none runs. */
export class NoClusterError extends ClusterError {
  constructor(home: string, start: string) {
    super(
      "FAILED_PRECONDITION",
      `no cluster runs in ${home}: start one by ${start}, or name another by --address with its token`,
      { details: { home } },
    );
  }
}
