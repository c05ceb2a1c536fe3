import { ClusterError } from "@gumshoe/core";

/** Thrown when bytes or JSON from another process do not fit their schema. */
export class MalformedMessageError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("DATA_LOSS", problem, { cause });
  }
}
