import { ClusterError, type ErrorCode, errorMessage } from "./errors.js";

/**
 * The serialized form of an error: structured clones keep its message and stack, but not its class
 * and fields.
 */
export interface ThreadFailure {
  /** Null for errors other than ClusterError. */
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly details: Record<string, unknown>;
  readonly stack: string;
  /** Code and path of the system error that is the cause, e.g. ENOSPC; null for none. */
  readonly system: { readonly code: string; readonly path: string } | null;
}

/** Serializes any thrown value. */
export function toThreadFailure(thrown: unknown): ThreadFailure {
  const known = thrown instanceof ClusterError;
  return {
    code: known ? thrown.code : null,
    message: errorMessage(thrown),
    details: known ? { ...thrown.details } : {},
    stack: thrown instanceof Error ? (thrown.stack ?? "") : "",
    system: systemErrorOf(thrown),
  };
}

/**
 * Restores an error: a ClusterError for any of its subclasses, with the system error as its cause.
 */
export function fromThreadFailure(failure: ThreadFailure): Error {
  const { code, message, details, system } = failure;
  const cause =
    system === null ? undefined : Object.assign(new Error(message), system, { errno: 0 });
  const error =
    code === null
      ? new Error(message, { cause })
      : new ClusterError(code, message, { details, cause });
  if (code === null) error.stack = failure.stack;
  return error;
}

function systemErrorOf(thrown: unknown): ThreadFailure["system"] {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (!("errno" in error && "code" in error && typeof error.code === "string")) continue;
    return { code: error.code, path: "path" in error ? String(error.path) : "" };
  }
  return null;
}
