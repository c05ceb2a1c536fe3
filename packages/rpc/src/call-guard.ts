import { ClusterError, type TlsRole } from "@gumshoe/core";
import { type Metadata, type ServerInterceptor, ServerInterceptingCall } from "@grpc/grpc-js";

import { CompressedRequestError, WrongRoleError } from "./errors.js";
import { toGrpcFailure } from "./status.js";
import { bearerProblem } from "./auth.js";
import { type Connections } from "./connections.js";
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

/** What the guard of a server knows. */
export interface CallGuardOptions {
  readonly token: string;
  readonly connections: Connections;
  /** Says of a method's path that it needs no token. */
  readonly isOpen: (path: string) => boolean;
  /** Roles of certificate that may call a method; null for all callers, with a certificate or without. */
  readonly callersOf: (path: string) => readonly TlsRole[] | null;
  /** Called for every refused call. */
  readonly onRefused: (refused: { method: string; peer: string; error: ClusterError }) => void;
}

/**
 * Checks every call before anything of its request is read: the token, the role of the caller's
 * certificate, compression, and by its length prefix the size of the request.
 *
 * A call without the token can only be an open one (the health check): it is small, has a time limit, and
 * there is a bound on how many are served at a time. A connection that begins too many at once is ended, since they
 * block the event loop.
 */
export class CallGuard {
  readonly #options: CallGuardOptions;
  #openCalls = 0;
  #openStreams = 0;

  constructor(options: CallGuardOptions) {
    this.#options = options;
  }

  /** The interceptor of a server. */
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
            // A call with one answer has its answer at once when its request is whole.
            if (method.responseStream) open.call?.arrived();
            proceed(message);
          },
          // Called once for every call, however it ended.
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

  /** Returns how a call is let in, or why it is refused. */
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

// One for all refused calls: an error of its own for each would cost more than the refusal.
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

  /** Notes that the request is here. */
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
