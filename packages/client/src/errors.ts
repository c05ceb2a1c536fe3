import { ClusterError } from "@gumshoe/core";

/** Thrown when a watch lost the coordinator and could not reach it again in the time allowed. */
export class WatchLostError extends ClusterError {
  constructor(
    readonly run: string,
    /** Number of the last event seen: a new watch goes on after it. */
    readonly lastNumber: number,
    cause: unknown,
  ) {
    super("UNAVAILABLE", `the watch of run ${run} was lost after event ${lastNumber}`, {
      details: { run, lastNumber },
      cause,
    });
  }
}
