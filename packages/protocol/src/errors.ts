import { ClusterError } from "@gumshoe/core";

/** Thrown when bytes or JSON from another process do not have the agreed form. */
export class MalformedMessageError extends ClusterError {
  constructor(problem: string, cause?: unknown) {
    super("DATA_LOSS", problem, { cause });
  }
}
