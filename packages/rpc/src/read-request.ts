import type { ClusterError } from "@gumshoe/core";

import { UnreadableRequestError } from "./errors.js";
import type { RpcMethod } from "./service.js";

/**
 * Marks a request that could not be decoded: grpc-js would report an exception of the decoder as
 * INTERNAL.
 */
class RefusedRequest {
  constructor(readonly error: ClusterError) {}
}

/** Returns the decoder of a method's requests. */
export function requestReader(method: RpcMethod<unknown, unknown>): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return method.requestDeserialize(bytes);
    } catch (thrown) {
      return new RefusedRequest(new UnreadableRequestError(thrown));
    }
  };
}

/** Returns a decoded request. @throws UnreadableRequestError */
export function readRequest(request: unknown): unknown {
  if (request instanceof RefusedRequest) throw request.error;
  return request;
}
