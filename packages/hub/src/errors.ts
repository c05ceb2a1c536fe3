import { ClusterError, type ErrorCode } from "@gumshoe/core";

/** Thrown when the hub has no such model or revision, or does not give it to this user. */
export class HubRefusedError extends ClusterError {
  constructor(
    readonly model: string,
    problem: string,
    code: ErrorCode = "INVALID_ARGUMENT",
  ) {
    super(code, `${model}: ${problem}`, { details: { model } });
  }
}

/** Thrown when the hub cannot be reached, or cannot answer now. */
export class HubAwayError extends ClusterError {
  constructor(
    readonly endpoint: string,
    problem: string,
    cause?: unknown,
  ) {
    super("UNAVAILABLE", `${endpoint}: ${problem}`, { details: { endpoint }, cause });
  }
}

/** Thrown when what was received is not what the hub says that the file is. */
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

/** Thrown when a model in the cache is not whole, or not what the hub has. */
export class CachedModelError extends ClusterError {
  constructor(
    readonly model: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${model} ${problem}`, { details: { model } });
  }
}
