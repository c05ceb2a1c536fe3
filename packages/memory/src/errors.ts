import { ClusterError } from "@gumshoe/core";

/** Thrown when a run needs more memory than the machine of its workers has. */
export class RunTooLargeError extends ClusterError {
  /**
   * @param about.where    the machine, in words
   * @param about.parts    what takes the memory, in words
   * @param about.advice   what to change, in words
   */
  constructor(about: {
    run: string;
    where: string;
    neededBytes: number;
    limitBytes: number;
    parts: string;
    advice: string;
  }) {
    const { run, where, neededBytes, limitBytes, parts, advice } = about;
    super(
      "FAILED_PRECONDITION",
      `run ${run} needs ${gigabytes(neededBytes)} GB of memory on ${where}, which has ` +
        `${gigabytes(limitBytes)} GB (${parts}): ${advice}; --allow-overcommit starts it all the same`,
      { details: { run, neededBytes, limitBytes } },
    );
  }
}

/** Thrown when the processes of a cluster need more memory than the machine has, even without a model. */
export class FleetTooLargeError extends ClusterError {
  constructor({
    where,
    neededBytes,
    limitBytes,
  }: {
    where: string;
    neededBytes: number;
    limitBytes: number;
  }) {
    super(
      "FAILED_PRECONDITION",
      `these workers need ${gigabytes(neededBytes)} GB of memory on ${where}, which has ` +
        `${gigabytes(limitBytes)} GB: start fewer; --allow-overcommit starts them all the same`,
      { details: { neededBytes, limitBytes } },
    );
  }
}

/** Writes bytes in GB (10^9), as in `4.8`. */
export function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 0.05e9 ? 2 : 1);
}
