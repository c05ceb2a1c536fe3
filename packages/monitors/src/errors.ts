import { ClusterError } from "@gumshoe/core";

/** Thrown when a monitor cannot be reached, or rejects what it is sent; it is tried again later. */
export class MonitorAwayError extends ClusterError {
  constructor(
    readonly monitor: string,
    problem: string,
    cause?: unknown,
  ) {
    super("UNAVAILABLE", `monitor ${monitor}: ${problem}`, { details: { monitor }, cause });
  }
}
