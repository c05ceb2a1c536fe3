import { type RequestOf, type ResponseOf, type RpcService } from "./service.js";

/** What a handler knows of the call it serves. */
export interface CallContext {
  /** Aborted when the caller gave up, went away, or its deadline passed. */
  readonly signal: AbortSignal;
  /** Host and port of the caller. */
  readonly peer: string;
}

/**
 * The handlers of a service: a promise for a single answer, an async iterable for a stream. A method
 * that takes a stream gets an async iterable of requests.
 */
export type RpcHandlers<S extends RpcService> = {
  readonly [M in keyof S]: (
    request: S[M]["requestStream"] extends true ? AsyncIterable<RequestOf<S[M]>> : RequestOf<S[M]>,
    context: CallContext,
  ) => S[M]["responseStream"] extends true
    ? AsyncIterable<ResponseOf<S[M]>>
    : Promise<ResponseOf<S[M]>>;
};

/** A handler as the server calls it. */
export type AnyHandler = (request: unknown, context: CallContext) => unknown;
