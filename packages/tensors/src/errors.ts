import { ClusterError } from "@gumshoe/core";

/** Thrown when a vector is not held (any more) where it is asked for. */
export class TensorNotHeldError extends ClusterError {
  constructor(
    readonly tensor: string,
    problem = "is not held here",
  ) {
    super("NOT_FOUND", `${tensor} ${problem}`, { details: { tensor } });
  }
}
