import type { RequestOf, ResponseOf, RpcService } from "./service.js";

/** Context of a call, passed to its handler. */
export interface CallContext {
  /** Aborted when the caller cancels or disconnects, or the deadline passes. */
  readonly signal: AbortSignal;
  /** Host and port of the caller. */
  readonly peer: string;
}

/**
 * The handlers of a service: a promise for a unary response, an async iterable for a stream. A
 * client-streaming method receives an async iterable of requests.
 */
export type RpcHandlers<S extends RpcService> = {
  readonly [M in keyof S]: (
    request: S[M]["requestStream"] extends true ? AsyncIterable<RequestOf<S[M]>> : RequestOf<S[M]>,
    context: CallContext,
  ) => S[M]["responseStream"] extends true
    ? AsyncIterable<ResponseOf<S[M]>>
    : Promise<ResponseOf<S[M]>>;
};

/** A handler without its types, as the server calls it. */
export type AnyHandler = (request: unknown, context: CallContext) => unknown;
