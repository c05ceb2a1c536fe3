import { ClusterError, type ErrorCode } from "@gumshoe/core";

/** Thrown when the hub has no such model, data set, revision or file, or denies this user access. */
export class HubRefusedError extends ClusterError {
  constructor(
    readonly repo: string,
    problem: string,
    code: ErrorCode = "INVALID_ARGUMENT",
    /** Status of the hub's answer; null where it refused nothing. */
    readonly status: number | null = null,
  ) {
    super(code, `${repo}: ${problem}`, { details: { repo } });
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

/** Thrown when a model or a file of a data set is not in the cache, and the network is not to be used. */
export class CachedRepoError extends ClusterError {
  constructor(
    readonly repo: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${repo} ${problem}`, { details: { repo } });
  }
}
