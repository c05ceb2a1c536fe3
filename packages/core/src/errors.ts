/**
 * The closed list of error codes, and whether a caller may retry.
 *
 * Three causes are distinguished: the argument is wrong (`INVALID_ARGUMENT`, `UNAUTHENTICATED`,
 * `NOT_FOUND`, `ALREADY_EXISTS`), the state is wrong (`FAILED_PRECONDITION`, `RESOURCE_EXHAUSTED`,
 * `DATA_LOSS`, `EXACTNESS`), the other side failed (`UNAVAILABLE`, `DEADLINE_EXCEEDED`, `ABORTED`,
 * `INTERNAL`).
 */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { retryable: false },
  UNAUTHENTICATED: { retryable: false },
  NOT_FOUND: { retryable: false },
  ALREADY_EXISTS: { retryable: false },
  FAILED_PRECONDITION: { retryable: false },
  RESOURCE_EXHAUSTED: { retryable: true },
  DATA_LOSS: { retryable: false },
  /** Two computations that must agree bit for bit differ. */
  EXACTNESS: { retryable: false },
  UNAVAILABLE: { retryable: true },
  DEADLINE_EXCEEDED: { retryable: true },
  /** The work is superseded by a newer lease, version or owner. */
  ABORTED: { retryable: false },
  INTERNAL: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * The only error class that crosses process boundaries: a code, a message for people, typed
 * details.
 *
 * Every package derives its own classes from it in its `errors.ts`.
 */
export class ClusterError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether a retry of the same call may succeed. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Thrown when a value given by a user is invalid; names the field and, if known, a suggestion. */
export class InvalidArgumentError extends ClusterError {
  constructor(
    readonly field: string,
    problem: string,
    options: { suggestion?: string; cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    const hint = options.suggestion === undefined ? "" : ` (${options.suggestion})`;
    super("INVALID_ARGUMENT", `${field}: ${problem}${hint}`, {
      details: { ...options.details, field, problem, suggestion: options.suggestion ?? null },
      cause: options.cause,
    });
  }
}

/** Most characters of the joined problems: the message travels in the trailers of a call. */
const MAX_PROBLEMS_LENGTH = 2000;

/** Thrown when several values given by a user are invalid; `field` is the first one's. */
export class InvalidFieldsError extends InvalidArgumentError {
  /** One line per problem; when these get long, the last line counts the rest. */
  readonly problems: readonly string[];
  /** Number of problems, including those without a line. */
  readonly count: number;

  constructor(first: InvalidArgumentError, others: readonly InvalidArgumentError[]) {
    const problems = [first.message];
    let length = 0;
    for (const [i, { message }] of others.entries()) {
      length += message.length;
      if (length > MAX_PROBLEMS_LENGTH) {
        problems.push(`and ${others.length - i} more`);
        break;
      }
      problems.push(message);
    }
    const text = problems.join("; ").slice(first.field.length + 2);
    super(first.field, text, { details: { problems } });
    this.problems = problems;
    this.count = others.length + 1;
  }
}

/**
 * Combines errors into one that lists all problems.
 *
 * @throws RangeError for an empty list
 */
export function joinInvalid(errors: readonly InvalidArgumentError[]): InvalidArgumentError {
  const [first, ...others] = errors;
  if (first === undefined) throw new RangeError("there is no error to join");
  return others.length === 0 ? first : new InvalidFieldsError(first, others);
}

/** Thrown when a running process of this machine, possibly this one, holds a lock. */
export class LockHeldError extends ClusterError {
  constructor(
    readonly file: string,
    /** Process that holds it. */
    readonly pid: number,
  ) {
    super("FAILED_PRECONDITION", `${file} is held by process ${pid}`, { details: { file, pid } });
  }
}

/** Thrown when a file cannot be written, e.g. because the disk is full. */
export class WriteFailedError extends ClusterError {
  constructor(file: string, problem: string, cause?: unknown) {
    super("RESOURCE_EXHAUSTED", `${file} cannot be written: ${problem}`, {
      details: { file },
      cause,
    });
  }
}

/** Thrown when a disk is full, or its user's quota is used up. */
export class DiskFullError extends ClusterError {
  constructor(
    readonly folder: string,
    room: DiskRoom & { readonly neededBytes: number },
    cause?: unknown,
  ) {
    const { freeBytes, freeFiles, neededBytes } = room;
    super(
      "RESOURCE_EXHAUSTED",
      `the disk of ${folder} is full: ${describeRoom(room)}, about ${formatSize(neededBytes)} needed`,
      { details: { disk: "full", folder, freeBytes, freeFiles, neededBytes }, cause },
    );
  }
}

/** The free space of a disk. */
export interface DiskRoom {
  readonly freeBytes: number;
  /** Files that can still be created; null if the file system does not report it. */
  readonly freeFiles: number | null;
}

function describeRoom(room: DiskRoom & { readonly neededBytes: number }): string {
  const { freeBytes, freeFiles, neededBytes } = room;
  const free = `${formatSize(freeBytes)} free`;
  if (freeFiles === 0) return `${free}, but none of its files (inodes) is`;
  return freeBytes < neededBytes ? free : `${free}, but not to this user (a quota?)`;
}

/** Thrown when a folder to be written to is missing, read-only or not accessible. */
export class FolderAwayError extends ClusterError {
  constructor(
    readonly folder: string,
    problem: string,
    cause?: unknown,
  ) {
    super("UNAVAILABLE", `${folder} cannot be written to: ${problem}`, {
      details: { disk: "away", folder },
      cause,
    });
  }
}

/** Formats a number of bytes for people, e.g. `12.3 MB`. */
function formatSize(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Returns the message of any thrown value. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
