import { ClusterError } from "@gumshoe/core";

/** Thrown when a process is asked for a vector that it does not hold (any more). */
export class TensorNotHeldError extends ClusterError {
  constructor(
    readonly tensor: string,
    problem = "is not held here",
  ) {
    super("NOT_FOUND", `${tensor} ${problem}`, { details: { tensor } });
  }
}
