import { ClusterError, type TlsRole } from "@gumshoe/core";
import { type Metadata, type ServerInterceptor, ServerInterceptingCall } from "@grpc/grpc-js";

import { CompressedRequestError, WrongRoleError } from "./errors.js";
import { toGrpcFailure } from "./status.js";
import { bearerProblem } from "./auth.js";
import type { Connections } from "./connections.js";
import { IncomingCall } from "./incoming-call.js";
import {
  MAX_OPEN_CALLS,
  MAX_OPEN_REQUEST_BYTES,
  MAX_OPEN_STREAMS,
  MAX_STREAMS,
  maxRequestBytes,
  OPEN_ARRIVAL_MS,
  OPEN_STREAM_MS,
} from "./limits.js";

type Method = Parameters<ServerInterceptor>[0];
type Call = Parameters<ServerInterceptor>[1];

/** Options of a server's guard. */
export interface CallGuardOptions {
  readonly token: string;
  readonly connections: Connections;
  /** Whether the method at a path may be called without the token. */
  readonly isOpen: (path: string) => boolean;
  /** Certificate roles that may call a method; null for all callers, even without a certificate. */
  readonly callersOf: (path: string) => readonly TlsRole[] | null;
  /** Called for every rejected call. */
  readonly onRefused: (refused: { method: string; peer: string; error: ClusterError }) => void;
}

/**
 * Server interceptor that authorizes each call before reading its request: it checks the token, the
 * role of the caller's certificate, compression, and the size of the request by its length prefix.
 *
 * Only open methods (the health check) can be called without the token. Such calls have small
 * requests, a time limit, and a limit on their number. A connection that begins too many at once is
 * closed, since they block the event loop.
 */
export class CallGuard {
  readonly #options: CallGuardOptions;
  #openCalls = 0;
  #openStreams = 0;

  constructor(options: CallGuardOptions) {
    this.#options = options;
  }

  /** The interceptor to install in the server. */
  readonly interceptor: ServerInterceptor = (method, call) => {
    const incoming = new IncomingCall(call);
    const open: { call: OpenCall | null } = { call: null };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            const admitted = this.#admit(method, { call, incoming, metadata });
            if (admitted instanceof ClusterError) {
              call.sendStatus(toGrpcFailure(admitted));
              return;
            }
            if (admitted === "open") open.call = this.#begin(call, method.responseStream);
            proceed(metadata);
          },
          onReceiveMessage: (message, proceed) => {
            // Only streams need this: a unary call responds as soon as its request is complete.
            if (method.responseStream) open.call?.arrived();
            proceed(message);
          },
          // grpc-js calls onCancel exactly once per call, however it ended.
          onCancel: () => {
            open.call?.end();
            incoming.close();
          },
        }),
      sendMetadata: (metadata, next) => {
        metadata.set("grpc-accept-encoding", "identity");
        next(metadata);
      },
    });
  };

  /** Authorizes a call; returns the error of a rejected one. */
  #admit(
    { path, responseStream }: Method,
    { call, incoming, metadata }: { call: Call; incoming: IncomingCall; metadata: Metadata },
  ): "trusted" | "open" | ClusterError {
    const { token, connections, isOpen, callersOf, onRefused } = this.#options;
    const peer = call.getPeer();
    const refuse = (error: ClusterError): ClusterError => {
      connections.beginCall(peer)();
      onRefused({ method: path, peer, error });
      return error;
    };
    const problem = bearerProblem(metadata, token);
    if (problem !== null && !connections.mayBegin(peer)) {
      incoming.endConnection();
      return refuse(TOO_FAST);
    }
    if (incoming.isCompressed) return refuse(COMPRESSED);
    if (problem !== null) {
      if (!isOpen(path)) return refuse(problem);
      incoming.limitMessages(MAX_OPEN_REQUEST_BYTES);
      const isFull = responseStream
        ? this.#openStreams >= MAX_OPEN_STREAMS
        : this.#openCalls - this.#openStreams >= MAX_OPEN_CALLS;
      return isFull ? refuse(TOO_MANY) : "open";
    }
    if (connections.trust(peer)) incoming.allowStreams(MAX_STREAMS);
    const role = connections.roleOf(peer);
    const callers = callersOf(path);
    if (callers !== null && (role === null || !callers.includes(role))) {
      return refuse(new WrongRoleError(role, callers));
    }
    incoming.limitMessages(maxRequestBytes(path));
    return "trusted";
  }

  #begin(call: Call, isStream: boolean): OpenCall {
    this.#openCalls += 1;
    if (isStream) this.#openStreams += 1;
    const endCall = this.#options.connections.beginCall(call.getPeer());
    const onEnd = (): void => {
      this.#openCalls -= 1;
      if (isStream) this.#openStreams -= 1;
      endCall();
    };
    return new OpenCall(call, onEnd);
  }
}

// Shared by all rejected calls: creating an error per call would cost more than the rejection.
const COMPRESSED = new CompressedRequestError();
const TOO_MANY = new ClusterError(
  "RESOURCE_EXHAUSTED",
  "too many health checks are open; try again later",
);
const TOO_FAST = new ClusterError(
  "RESOURCE_EXHAUSTED",
  "too many calls without the token at once: the connection is ended",
);
const TIME_IS_OVER = new ClusterError(
  "UNAVAILABLE",
  "the time for a call without the token is over",
);

/** A call without the token, with its time limits. */
class OpenCall {
  readonly #call: Call;
  readonly #onEnd: () => void;
  #timer: NodeJS.Timeout;
  #ended = false;

  constructor(call: Call, onEnd: () => void) {
    this.#call = call;
    this.#onEnd = onEnd;
    this.#timer = this.#endAfter(OPEN_ARRIVAL_MS);
  }

  /** Marks the request as received. */
  arrived(): void {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = this.#endAfter(OPEN_STREAM_MS);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onEnd();
  }

  #endAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#call.sendStatus(toGrpcFailure(TIME_IS_OVER)), ms).unref();
  }
}
