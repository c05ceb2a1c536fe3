import {
  logVerbosity,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  setLogVerbosity,
} from "@grpc/grpc-js";
import {
  type Clock,
  ClusterError,
  errorMessage,
  expiryOf,
  InvalidArgumentError,
  type Logger,
  systemClock,
  type Tls,
  type TlsFiles,
  type TlsRole,
} from "@gumshoe/core";
import { HealthService, ServerReflectionService } from "@gumshoe/protocol";

import { CallGuard } from "./call-guard.js";
import { Connections } from "./connections.js";
import { ListenError } from "./errors.js";
import type { AnyHandler, CallContext, RpcHandlers } from "./handlers.js";
import { healthHandlers } from "./health.js";
import { MAX_MESSAGE_BYTES, MAX_OPEN_REQUEST_BYTES, MAX_STREAMS_BEFORE_TOKEN } from "./limits.js";
import { PlainListener } from "./plain-listener.js";
import { warnIfPlaintext } from "./plaintext-warning.js";
import { readRequest, requestReader } from "./read-request.js";
import { reflectionHandlers, ServerReflectionAlphaService } from "./reflection.js";
import { RefusalLog } from "./refusal-log.js";
import { RequestScheduler } from "./request-scheduler.js";
import type { RpcMethod, RpcService } from "./service.js";
import { ServingState } from "./serving-state.js";
import { toGrpcFailure } from "./status.js";
import { TlsListener } from "./tls-listener.js";
import { writeAll } from "./write-all.js";

// grpc-js prints failures that it also throws; stderr is reserved for the log.
setLogVerbosity(logVerbosity.NONE);

/** The members that all kinds of calls share. */
interface GrpcCall {
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

type StreamingCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/** Shared by all calls: creating an error per call would cost more than most calls do. */
const CALLER_GONE = new ClusterError("UNAVAILABLE", "the caller is gone");

const DAY_MS = 86_400_000;
/** Days before a certificate's expiry from which a reminder is logged. */
const RENEWAL_DUE_DAYS = 21;

const HEALTH_PATH = "/grpc.health.v1.Health/";

const SERVER_OPTIONS = {
  // CallGuard raises the limit to the method's own for callers with the token.
  "grpc.max_receive_message_length": MAX_OPEN_REQUEST_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  // CallGuard raises the limit for a connection that has presented the token.
  "grpc.max_concurrent_streams": MAX_STREAMS_BEFORE_TOKEN,
  // The caller reconnects for its next call.
  "grpc.max_connection_idle_ms": 600_000,
  // Detects peers that vanished without closing the connection.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/**
 * A gRPC server whose handlers are plain functions.
 *
 * - Every call must carry the bearer token, except the health check: probes have none.
 * - With TLS files, every call must use TLS with a client certificate of the same authority, and of
 *   a role that may call the service.
 * - A request is rejected by its length prefix when it exceeds its method's limit, and when it is
 *   compressed. Connections without the token are limited in number and time.
 * - Health and reflection are served beside the added services.
 * - A handler may throw a ClusterError; any other error is logged, and returned as INTERNAL without
 *   its message.
 * - A handler's stream is consumed only as fast as the caller reads it.
 */
export class RpcServer {
  readonly #server: Server;
  readonly #services = new Set<string>();
  readonly #logger: Logger | null;
  readonly #clock: Clock;
  readonly #tls: Tls;
  readonly #connections: Connections;
  /** Certificate roles that may call, by full service name; other services accept all. */
  readonly #callers = new Map<string, readonly TlsRole[]>();
  readonly #listener: TlsListener | PlainListener;
  readonly #refusals: RefusalLog;
  readonly #scheduler = new RequestScheduler();
  readonly #state = new ServingState();

  constructor(options: { token: string; tls?: Tls; logger?: Logger; clock?: Clock }) {
    const { token, tls = null } = options;
    if (token === "") throw new InvalidArgumentError("token", "must not be empty");
    this.#logger = options.logger ?? null;
    this.#clock = options.clock ?? systemClock;
    this.#refusals = new RefusalLog({ logger: this.#logger, clock: this.#clock });
    const hasTls = tls !== null && tls !== "off";
    this.#connections = new Connections({ clock: this.#clock });
    const guard = new CallGuard({
      token,
      connections: this.#connections,
      isOpen: (path) => path.startsWith(HEALTH_PATH),
      callersOf: (path) => (hasTls ? (this.#callers.get(serviceOf(path)) ?? null) : null),
      onRefused: ({ error, ...call }) => this.#refusals.log(call, error.message),
    });
    this.#server = new Server({ ...SERVER_OPTIONS, interceptors: [guard.interceptor] });
    this.#tls = tls;
    this.#listener = this.#makeListener(tls === "off" ? null : tls);
    this.serve(HealthService, healthHandlers(this.#services, this.#state));
    const reflection = reflectionHandlers(this.#services);
    this.serve(ServerReflectionService, reflection);
    this.serve(ServerReflectionAlphaService, reflection);
  }

  /**
   * Adds a service with all its handlers; call it before {@link listen}.
   *
   * @param callers  certificate roles that may call it, with TLS; null for all
   */
  serve<S extends RpcService>(
    service: S,
    handlers: RpcHandlers<S>,
    callers: readonly TlsRole[] | null = null,
  ): void {
    for (const [name, definition] of Object.entries(service)) {
      const method = definition as unknown as RpcMethod<unknown, unknown>;
      const handler = (handlers as Record<string, AnyHandler>)[name] as AnyHandler;
      const bound: AnyHandler = (request, context) => handler.call(handlers, request, context);
      const [kind, call] = this.#callOf(method, bound);
      const { path, responseSerialize } = method;
      this.#server.register(path, call, responseSerialize, requestReader(method), kind);
      this.#services.add(serviceOf(path));
      if (callers !== null) this.#callers.set(serviceOf(path), callers);
    }
  }

  #callOf(method: RpcMethod<unknown, unknown>, handler: AnyHandler) {
    if (!method.responseStream) return ["unary", this.#unary(method, handler)] as const;
    return [
      method.requestStream ? "bidi" : "serverStream",
      this.#streaming(method, handler),
    ] as const;
  }

  /**
   * Starts to serve.
   *
   * @param address  host:port; port 0 for any free one
   * @returns        host:port with the actual port
   * @throws         ListenError when the port is in use or the host is not of this machine
   */
  async listen(address: string): Promise<string> {
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon);
    let port: number;
    try {
      port = await this.#listener.listen(bareHost(host), Number(address.slice(colon + 1)));
    } catch (error) {
      throw new ListenError(address, error as Error);
    }
    if (this.#tls !== null && this.#tls !== "off") this.#warnOfExpiry(this.#tls);
    warnIfPlaintext(this.#logger, `${host}:${port}`, this.#tls);
    return `${host}:${port}`;
  }

  #makeListener(tls: TlsFiles | null): TlsListener | PlainListener {
    // TlsListener decrypts, so the gRPC server receives plain HTTP/2.
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const connections = this.#connections;
    if (tls === null) {
      return new PlainListener({
        inject: (socket) => {
          connections.add(socket);
          injector.injectConnection(socket);
        },
      });
    }
    return new TlsListener({
      tls,
      connections,
      inject: (socket) => injector.injectConnection(socket),
      onRefused: (peer, problem) => this.#refusals.log({ peer }, problem),
    });
  }

  #warnOfExpiry({ folder, identity }: TlsFiles): void {
    if (identity === null) return;
    const daysLeft = (expiryOf(identity.cert).getTime() - this.#clock.now()) / DAY_MS;
    if (daysLeft > RENEWAL_DUE_DAYS) return;
    const what = `the certificate in ${folder} expires in ${Math.floor(daysLeft)} days`;
    this.#logger?.warn(
      `${what}: gumshoe certs --renew makes new ones, which are used from the next start on`,
    );
  }

  /** Sets the status of the health check; true from the start. */
  set isServing(isServing: boolean) {
    this.#state.isServing = isServing;
  }

  /** Accepts no new calls, waits up to `graceMs` for calls in progress, then cuts them off. */
  async stop(graceMs = 2000): Promise<void> {
    this.#listener.close();
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const timer = new AbortController();
    const late = this.#clock.sleep(graceMs, timer.signal).then(
      () => this.#server.forceShutdown(),
      () => undefined,
    );
    await Promise.race([drained, late]);
    timer.abort();
    await late;
    this.#connections.destroy();
  }

  #unary(method: RpcMethod<unknown, unknown>, handler: AnyHandler) {
    return (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>): void => {
      const answer = async (): Promise<unknown> => {
        if (call.cancelled) throw CALLER_GONE;
        return handler(readRequest(call.request), new ServedCall(call));
      };
      this.#scheduler.begin(() => {
        answer().then(
          (response) => done(null, response),
          (thrown: unknown) => done(this.#failure(method.path, call, thrown)),
        );
      });
    };
  }

  #streaming(method: RpcMethod<unknown, unknown>, handler: AnyHandler) {
    return (call: StreamingCall): void => {
      // The call's signal reports a broken stream; without a listener the "error" event would end
      // the process.
      call.on("error", () => undefined);
      const answer = async (): Promise<void> => {
        const context = new ServedCall(call);
        const request = "request" in call ? readRequest(call.request) : readRequests(call);
        const items = handler(request, context) as AsyncIterable<unknown>;
        await writeAll(call, items, context.signal);
      };
      answer().then(
        () => call.end(),
        (thrown: unknown) => call.emit("error", this.#failure(method.path, call, thrown)),
      );
    };
  }

  #failure(path: string, call: { getPeer(): string }, thrown: unknown) {
    const peer = call.getPeer();
    if (!(thrown instanceof ClusterError)) {
      this.#logger?.error({ err: thrown, method: path, peer }, "a handler failed");
    } else {
      this.#logger?.debug({ method: path, peer, code: thrown.code }, errorMessage(thrown));
    }
    return toGrpcFailure(thrown);
  }
}

async function* readRequests(call: ServerDuplexStream<unknown, unknown>): AsyncGenerator<unknown> {
  // Keep the stream open when the requests end: the responses are still to be written.
  const requests = call.iterator({ destroyOnReturn: false });
  for await (const request of requests) yield readRequest(request);
}

/**
 * The context of a call. Its members are created on demand, since most handlers use none of them.
 */
class ServedCall implements CallContext {
  readonly #call: GrpcCall;
  #controller: AbortController | null = null;

  constructor(call: GrpcCall) {
    this.#call = call;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get signal(): AbortSignal {
    if (this.#controller !== null) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.#call.cancelled) controller.abort(CALLER_GONE);
    else this.#call.on("cancelled", () => controller.abort(CALLER_GONE));
    return controller.signal;
  }
}

/** Returns the full name of a service from a method's path. */
function serviceOf(path: string): string {
  return path.split("/")[1] ?? "";
}

/** Strips the brackets of an IPv6 address, as node:net requires: [::1] to ::1. */
function bareHost(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}
