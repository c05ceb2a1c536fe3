import { ClusterError } from "@gumshoe/core";

/** Thrown when a run whose speed is measured does not end as it should. */
export class BenchRunFailedError extends ClusterError {
  constructor(
    readonly run: string,
    readonly problem: string,
  ) {
    super("FAILED_PRECONDITION", `run ${run} failed: ${problem}`, { details: { run } });
  }
}
