import { ClusterError } from "@gumshoe/core";

/** Thrown when the body of a request is longer than its limit. */
export class BodyTooLargeError extends ClusterError {
  constructor(readonly maxBytes: number) {
    super("INVALID_ARGUMENT", `the body has more than ${maxBytes} bytes`);
  }
}
