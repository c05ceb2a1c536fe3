import {
  type Clock,
  ClusterError,
  errorMessage,
  InvalidArgumentError,
  type Logger,
  systemClock,
} from "@gumshoe/core";
import {
  logVerbosity,
  type Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";

import { ListenError } from "../errors.js";
import { toGrpcFailure } from "../status.js";
import { checkBearer } from "./auth.js";
import { MAX_MESSAGE_BYTES } from "./limits.js";
import { type RequestOf, type ResponseOf, type RpcMethod, type RpcService } from "./service.js";
import { writeAll } from "./write-all.js";

// The library prints failures that are thrown anyway; stderr belongs to our log.
setLogVerbosity(logVerbosity.NONE);

/** What a handler knows of the call it serves. */
export interface CallContext {
  /** Aborted when the caller gave up, went away, or its deadline passed. */
  readonly signal: AbortSignal;
  /** Host and port of the caller. */
  readonly peer: string;
}

/** The handlers of a service: a promise for a single answer, an async iterable for a stream. */
export type RpcHandlers<S extends RpcService> = {
  readonly [M in keyof S]: S[M]["responseStream"] extends true
    ? (request: RequestOf<S[M]>, context: CallContext) => AsyncIterable<ResponseOf<S[M]>>
    : (request: RequestOf<S[M]>, context: CallContext) => Promise<ResponseOf<S[M]>>;
};

type AnyHandler = (request: unknown, context: CallContext) => unknown;

/**
 * A gRPC server whose handlers are plain functions.
 *
 * - Every call must carry the bearer token.
 * - A handler may throw a ClusterError; anything else reaches the caller as INTERNAL, and the log.
 * - A stream is read from its handler only as fast as the caller takes it.
 */
export class RpcServer {
  readonly #server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    // Finds callers that vanished without a word.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
  });
  readonly #token: string;
  readonly #logger: Logger | null;
  readonly #clock: Clock;

  constructor(options: { token: string; logger?: Logger; clock?: Clock }) {
    if (options.token === "") throw new InvalidArgumentError("token", "must not be empty");
    this.#token = options.token;
    this.#logger = options.logger ?? null;
    this.#clock = options.clock ?? systemClock;
  }

  /** Adds a service with all its handlers; before {@link listen}. */
  serve<S extends RpcService>(service: S, handlers: RpcHandlers<S>): void {
    for (const [name, definition] of Object.entries(service)) {
      const method = definition as unknown as RpcMethod<unknown, unknown>;
      const handler = (handlers as Record<string, AnyHandler>)[name] as AnyHandler;
      const bound: AnyHandler = (request, context) => handler.call(handlers, request, context);
      this.#server.register(
        method.path,
        method.responseStream ? this.#streaming(method, bound) : this.#unary(method, bound),
        method.responseSerialize,
        method.requestDeserialize,
        method.responseStream ? "serverStream" : "unary",
      );
    }
  }

  /**
   * Starts to serve.
   *
   * @param address  host:port; port 0 for any free one
   * @returns        host:port with the port that is served
   * @throws         ListenError when the port is in use or the host is not ours
   */
  async listen(address: string): Promise<string> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new ListenError(address, listenProblem(error)));
      });
    });
    return `${address.slice(0, address.lastIndexOf(":"))}:${port}`;
  }

  /** Takes no new calls, lets the ones in flight end for up to `graceMs`, then cuts them off. */
  async stop(graceMs = 2000): Promise<void> {
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const timer = new AbortController();
    const late = this.#clock.sleep(graceMs, timer.signal).then(
      () => this.#server.forceShutdown(),
      () => undefined,
    );
    await Promise.race([drained, late]);
    timer.abort();
    await late;
  }

  #unary(method: RpcMethod<unknown, unknown>, handler: AnyHandler) {
    return (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>): void => {
      const answer = async (): Promise<unknown> => {
        checkBearer(call.metadata, this.#token);
        return handler(call.request, contextOf(call));
      };
      answer().then(
        (response) => done(null, response),
        (thrown: unknown) => done(this.#failure(method.path, call, thrown)),
      );
    };
  }

  #streaming(method: RpcMethod<unknown, unknown>, handler: AnyHandler) {
    return (call: ServerWritableStream<unknown, unknown>): void => {
      // A stream that broke is seen by its signal; an unheard "error" would end the process.
      call.on("error", () => undefined);
      const answer = async (): Promise<void> => {
        checkBearer(call.metadata, this.#token);
        const context = contextOf(call);
        const items = handler(call.request, context) as AsyncIterable<unknown>;
        await writeAll(call, items, context.signal);
      };
      answer().then(
        () => call.end(),
        (thrown: unknown) => call.emit("error", this.#failure(method.path, call, thrown)),
      );
    };
  }

  #failure(path: string, call: { getPeer(): string; metadata: Metadata }, thrown: unknown) {
    const peer = call.getPeer();
    if (!(thrown instanceof ClusterError)) {
      this.#logger?.error({ err: thrown, method: path, peer }, "a handler failed");
    } else if (thrown.code === "UNAUTHENTICATED") {
      this.#logger?.warn({ method: path, peer }, `refused: ${thrown.message}`);
    } else {
      this.#logger?.debug({ method: path, peer, code: thrown.code }, errorMessage(thrown));
    }
    return toGrpcFailure(thrown);
  }
}

function contextOf(call: {
  getPeer(): string;
  cancelled: boolean;
  on(event: "cancelled", listener: () => void): unknown;
}): CallContext {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  else call.on("cancelled", () => controller.abort());
  return { signal: controller.signal, peer: call.getPeer() };
}

function listenProblem(error: Error): string {
  if (error.message.includes("EADDRINUSE")) return "the port is in use";
  if (error.message.includes("EADDRNOTAVAIL")) return "this machine has no such address";
  if (error.message.includes("EACCES")) return "not allowed";
  return error.message;
}
