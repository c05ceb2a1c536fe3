import { ClusterError } from "@gumshoe/core";

/** Thrown when one answer of a request needs more of the KV cache than there is. */
export class RequestTooLargeError extends ClusterError {
  constructor(id: string, neededBlocks: number, numBlocks: number) {
    super(
      "INVALID_ARGUMENT",
      `request ${id} needs ${neededBlocks} blocks of the KV cache, which has ${numBlocks}`,
      { details: { id, neededBlocks, numBlocks } },
    );
  }
}
