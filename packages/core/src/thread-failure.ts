import { ClusterError, type ErrorCode, errorMessage } from "./errors.js";

/** An error on its way between threads, which keep an error's message and stack but not its class and fields. */
export interface ThreadFailure {
  /** Null for what is no ClusterError. */
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly details: Record<string, unknown>;
  readonly stack: string;
  /** Code and path of the system's error that is the cause, e.g. ENOSPC; null for none. */
  readonly system: { readonly code: string; readonly path: string } | null;
}

/** Describes anything that was thrown. */
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

/** Makes the error again: a ClusterError where it was one of any class, its cause the system's error. */
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
