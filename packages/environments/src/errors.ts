import { ClusterError, InvalidArgumentError } from "@gumshoe/core";

/** Thrown when a user's module cannot be loaded or breaks the contract; names the field. */
export class ModuleError extends InvalidArgumentError {}

/** Thrown when a worker's copy of a module differs from the coordinator's. */
export class OtherModuleError extends ClusterError {
  constructor(file: string, expected: string, got: string) {
    super(
      "FAILED_PRECONDITION",
      `${file} here, with what it imports, has the digest ${got.slice(0, 12)}; the task was made by ` +
        `${expected.slice(0, 12)}: every machine of the cluster needs the same files`,
      { details: { file, expected, got } },
    );
  }
}

/**
 * Thrown when a file of records is not of its format; says where and what. Its reader adds the config
 * field and the file.
 */
export class TableProblem extends ClusterError {
  constructor(problem: string) {
    super("INVALID_ARGUMENT", problem);
  }
}

/** Thrown when a server of tasks and grades answers something else than its contract says. */
export class SourceServerError extends InvalidArgumentError {
  constructor(field: string, problem: string, cause?: unknown) {
    super(field, problem, { cause });
  }
}

/** Thrown when a server of tasks and grades cannot be reached, or reports a fault of its own. */
export class SourceAwayError extends ClusterError {
  readonly field: string;
  /** What was called. */
  readonly url: string;

  /** @param problem  of the URL, e.g. `cannot be reached` */
  constructor({ field, url }: { field: string; url: string }, problem: string, cause?: unknown) {
    super("UNAVAILABLE", `${field}: ${url} ${problem}`, { details: { field, url }, cause });
    this.field = field;
    this.url = url;
  }
}

/** Thrown when the process of a module ended, or was killed, during a call. */
export class ModuleProcessEndedError extends ClusterError {
  constructor(
    file: string,
    readonly problem: string,
  ) {
    super("ABORTED", `module ${file} ${problem}`, { details: { file } });
  }
}

/** Thrown when a module is no longer run because it ended its process repeatedly. */
export class ModuleFailedError extends ClusterError {
  constructor(file: string, problem: string) {
    super("FAILED_PRECONDITION", `module ${file} ${problem}`, { details: { file } });
  }
}

/** Thrown when bytes are not Zstandard, or are damaged. */
export class ZstdError extends ClusterError {
  constructor(problem: string) {
    super("INVALID_ARGUMENT", `Zstandard: ${problem}`);
  }
}
