import { ClusterError, type ErrorCode } from "@gumshoe/core";

/** Thrown when the hub has no such model or revision, or denies this user access. */
export class HubRefusedError extends ClusterError {
  constructor(
    readonly model: string,
    problem: string,
    code: ErrorCode = "INVALID_ARGUMENT",
  ) {
    super(code, `${model}: ${problem}`, { details: { model } });
  }
}

/** Thrown when the hub is unreachable or temporarily unavailable. */
export class HubAwayError extends ClusterError {
  constructor(
    readonly endpoint: string,
    problem: string,
    cause?: unknown,
  ) {
    super("UNAVAILABLE", `${endpoint}: ${problem}`, { details: { endpoint }, cause });
  }
}

/** Thrown when a received file differs from what the hub announced. */
export class HubHashError extends ClusterError {
  constructor(
    readonly file: string,
    expected: string,
    received: string,
  ) {
    super(
      "DATA_LOSS",
      `${file} came with the hash ${received.slice(0, 12)}..., the hub says ${expected.slice(0, 12)}...; ` +
        "twice in a row: a proxy between may change it. Nothing of it is kept",
      { details: { file, expected, received } },
    );
  }
}

/** Thrown when a cached model is incomplete, or differs from the hub's. */
export class CachedModelError extends ClusterError {
  constructor(
    readonly model: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${model} ${problem}`, { details: { model } });
  }
}
