import { ClusterError } from "@gumshoe/core";

/** Thrown when a benchmark run does not end as expected. */
export class BenchRunFailedError extends ClusterError {
  constructor(
    readonly run: string,
    readonly problem: string,
  ) {
    super("FAILED_PRECONDITION", `run ${run} failed: ${problem}`, { details: { run } });
  }
}
