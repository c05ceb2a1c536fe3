import { type ClusterError } from "@gumshoe/core";

import { UnreadableRequestError } from "./errors.js";
import { type RpcMethod } from "./service.js";

/** Stands for a request that was refused: the library would report what a decoder throws as INTERNAL. */
class RefusedRequest {
  constructor(readonly error: ClusterError) {}
}

/** Makes the decoder of a method's requests. */
export function requestReader(method: RpcMethod<unknown, unknown>): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return method.requestDeserialize(bytes);
    } catch (thrown) {
      return new RefusedRequest(new UnreadableRequestError(thrown));
    }
  };
}

/** Returns the request that was read. @throws UnreadableRequestError */
export function readRequest(request: unknown): unknown {
  if (request instanceof RefusedRequest) throw request.error;
  return request;
}
