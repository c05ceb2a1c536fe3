import { ClusterError } from "@gumshoe/core";

/** Thrown when Redis cannot be reached, or does not respond in time. */
export class RedisUnavailableError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    reason: string,
  ) {
    super("UNAVAILABLE", `no Redis at ${address}: ${reason}`, { details: { address, reason } });
  }
}

/** Thrown when Redis responds, but the password is missing or wrong. */
export class RedisPasswordError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    problem: "missing" | "wrong",
  ) {
    super("UNAUTHENTICATED", `Redis at ${address}: the password is ${problem}`, {
      details: { address, problem },
    });
  }
}

/** Thrown when the TLS handshake with Redis fails, or only one side uses TLS. */
export class RedisTlsError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    problem: string,
  ) {
    super("UNAUTHENTICATED", `Redis at ${address}: ${problem}`, { details: { address, problem } });
  }
}

/**
 * Thrown when Redis responds but cannot be used: missing permissions, cluster mode, or no such
 * database.
 */
export class RedisRefusedError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `Redis at ${address}: ${problem}`, { details: { address, problem } });
  }
}

/** Thrown when a key of the cluster holds a value that another program has written. */
export class RedisKeyError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    readonly key: string,
    problem: string,
  ) {
    const remedy =
      "another program writes there: give the cluster a Redis, a database or a GUMSHOE_CLUSTER of its own, " +
      "or remove the key; queues are filled again";
    super("FAILED_PRECONDITION", `Redis at ${address}: key ${key} ${problem}; ${remedy}`, {
      details: { address, key },
    });
  }
}

/** Thrown when another process holds the fence of this cluster. */
export class FenceHeldError extends ClusterError {
  constructor(
    readonly fence: string,
    /** The holder's description of itself, e.g. `coordinator on host a, pid 12`. */
    readonly holder: string,
  ) {
    super("FAILED_PRECONDITION", `${fence} is held by ${holder}`, { details: { fence, holder } });
  }
}

/** Thrown when a job's payload does not fit its queue's schema: another program has written it. */
export class ForeignJobError extends ClusterError {
  constructor(
    readonly queue: string,
    /** Path of the invalid part; empty for the whole payload. */
    readonly field: string,
  ) {
    const place = field === "" ? "its payload" : `its field ${field.slice(0, 100)}`;
    super("INVALID_ARGUMENT", `a job in queue ${queue} is none of ours: ${place} is wrong`, {
      details: { queue, field: field.slice(0, 100) },
    });
  }
}

/** The reason of an aborted job whose lease was lost: another worker has the job, or will get it. */
export class LeaseLostError extends ClusterError {
  constructor(readonly key: string) {
    super("ABORTED", `the lease of job ${key} was lost`, { details: { key } });
  }
}

/** The reason of an aborted job whose result is no longer needed, e.g. because the run was cancelled. */
export class JobWithdrawnError extends ClusterError {
  constructor(readonly key: string) {
    super("ABORTED", `job ${key} was withdrawn`, { details: { key } });
  }
}

/** The reason of an aborted job whose worker stops: the job returns to the queue. */
export class WorkerStoppingError extends ClusterError {
  constructor() {
    super("ABORTED", "the worker is stopping");
  }
}
