import { type ClusterError } from "@gumshoe/core";

import { RequestTooLargeError, UnreadableRequestError } from "../errors.js";
import { maxRequestBytes } from "./limits.js";
import { type RpcMethod } from "./service.js";

/** Stands for a request that was refused: the library would report what a decoder throws as INTERNAL. */
class RefusedRequest {
  constructor(readonly error: ClusterError) {}
}

/** Makes the decoder of a method's requests: what is too large is not decoded at all. */
export function requestReader(method: RpcMethod<unknown, unknown>): (bytes: Buffer) => unknown {
  const maxBytes = maxRequestBytes(method.path);
  return (bytes) => {
    if (bytes.byteLength > maxBytes) {
      return new RefusedRequest(new RequestTooLargeError(bytes.byteLength, maxBytes));
    }
    try {
      return method.requestDeserialize(bytes);
    } catch (thrown) {
      return new RefusedRequest(new UnreadableRequestError(thrown));
    }
  };
}

/** Returns the request that was read. @throws RequestTooLargeError, UnreadableRequestError */
export function readRequest(request: unknown): unknown {
  if (request instanceof RefusedRequest) throw request.error;
  return request;
}
