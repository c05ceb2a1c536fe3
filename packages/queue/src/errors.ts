import { ClusterError } from "@gumshoe/core";

/** Thrown when Redis does not answer: not there, not reachable, or not in time. */
export class RedisUnavailableError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    reason: string,
  ) {
    super("UNAVAILABLE", `no Redis at ${address}: ${reason}`, { details: { address, reason } });
  }
}

/** Thrown when Redis answers, but the password is missing or wrong. */
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

/** Thrown when Redis and this process do not trust each other's certificates, or one speaks no TLS. */
export class RedisTlsError extends ClusterError {
  constructor(
    /** host:port, without the password. */
    readonly address: string,
    problem: string,
  ) {
    super("UNAUTHENTICATED", `Redis at ${address}: ${problem}`, { details: { address, problem } });
  }
}

/** Thrown when Redis answers, but is of no use: a user without the rights, a Redis Cluster, no such database. */
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
    /** What the holder said of itself, e.g. `coordinator on host a, pid 12`. */
    readonly holder: string,
  ) {
    super("FAILED_PRECONDITION", `${fence} is held by ${holder}`, { details: { fence, holder } });
  }
}

/** Thrown when a job's payload is not what its queue holds: another program has written it. */
export class ForeignJobError extends ClusterError {
  constructor(
    readonly queue: string,
    /** Where the payload differs; empty for the whole of it. */
    readonly field: string,
  ) {
    const place = field === "" ? "its payload" : `its field ${field.slice(0, 100)}`;
    super("INVALID_ARGUMENT", `a job in queue ${queue} is none of ours: ${place} is wrong`, {
      details: { queue, field: field.slice(0, 100) },
    });
  }
}

/** The reason of a job's signal when its lease was lost: another worker has the job, or will. */
export class LeaseLostError extends ClusterError {
  constructor(readonly key: string) {
    super("ABORTED", `the lease of job ${key} was lost`, { details: { key } });
  }
}

/** The reason of a job's signal when its result is not wanted any more, e.g. as the run was cancelled. */
export class JobWithdrawnError extends ClusterError {
  constructor(readonly key: string) {
    super("ABORTED", `job ${key} was withdrawn`, { details: { key } });
  }
}

/** The reason of a job's signal when its worker stops: the job goes back to the queue. */
export class WorkerStoppingError extends ClusterError {
  constructor() {
    super("ABORTED", "the worker is stopping");
  }
}
