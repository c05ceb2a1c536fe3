/**
 * The closed list of error codes, and whether a caller may try the same thing again.
 *
 * Three causes are always told apart: the argument is wrong (`INVALID_ARGUMENT`, `UNAUTHENTICATED`,
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
  /** Two computations that must agree bit for bit did not. */
  EXACTNESS: { retryable: false },
  UNAVAILABLE: { retryable: true },
  DEADLINE_EXCEEDED: { retryable: true },
  /** The work was overtaken: a newer lease, version or owner exists. */
  ABORTED: { retryable: false },
  INTERNAL: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * The one error that may cross a process boundary: a code, a message for people, typed details.
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

  /** Says whether the same call may succeed when it is made again. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** Thrown when a value given by a user breaks a rule; names the field and, if known, a way out. */
export class InvalidArgumentError extends ClusterError {
  constructor(
    readonly field: string,
    problem: string,
    options: { suggestion?: string; cause?: unknown } = {},
  ) {
    const hint = options.suggestion === undefined ? "" : ` (${options.suggestion})`;
    super("INVALID_ARGUMENT", `${field}: ${problem}${hint}`, {
      details: { field, problem, suggestion: options.suggestion ?? null },
      cause: options.cause,
    });
  }
}

/** Returns the message of anything that was thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
