import {
  checkToken,
  ClusterError,
  InvalidArgumentError,
  isAddress,
  type Tls,
  type TlsRole,
} from "@gumshoe/core";
import { Client, type Metadata, type ServiceError } from "@grpc/grpc-js";

import { fromGrpcFailure } from "./status.js";
import { bearerMetadata } from "./auth.js";
import { deadlineMs, MAX_MESSAGE_BYTES } from "./limits.js";
import { channelSecurity } from "./tls.js";
import type { RequestOf, ResponseOf, RpcMethod, RpcService } from "./service.js";
import { readStream } from "./read-stream.js";

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, in ms; default: the method's own. */
  readonly deadlineMs?: number;
}

/** The client of a service. */
export type RpcClient<S extends RpcService> = {
  readonly [M in keyof S]: S[M]["responseStream"] extends true
    ? (request: RequestOf<S[M]>, options?: CallOptions) => AsyncIterable<ResponseOf<S[M]>>
    : (request: RequestOf<S[M]>, options?: CallOptions) => Promise<ResponseOf<S[M]>>;
};

/** Options of a connection. */
export interface ChannelOptions {
  /** Bearer token. */
  readonly token: string;
  /** TLS files; none by default. */
  readonly tls?: Tls;
  /** The role required in the server's certificate; default: coordinator. */
  readonly role?: TlsRole;
  /** HTTP/2 receive window, in bytes; a larger one is faster for bulk data. */
  readonly windowBytes?: number;
}

/**
 * A connection to one process: established on first use, and re-established automatically.
 *
 * Every call has a deadline. A failed call throws RpcError, an aborted one the signal's reason.
 */
export class RpcChannel {
  readonly #client: Client;
  readonly #metadata: Metadata;

  constructor(
    /** host:port */
    readonly address: string,
    options: ChannelOptions,
  ) {
    if (!isAddress(address, 1)) {
      throw new InvalidArgumentError("address", `${address} is not host:port`);
    }
    checkToken("token", options.token);
    this.#metadata = bearerMetadata(options.token);
    const { tls = null, role = "coordinator" } = options;
    const security = channelSecurity(tls === "off" ? null : tls, role);
    this.#client = new Client(address, security.credentials, {
      ...security.options,
      // The processes of a cluster connect to each other directly: ignore http_proxy and the like.
      "grpc.enable_http_proxy": 0,
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      "grpc.keepalive_time_ms": 20_000,
      "grpc.keepalive_timeout_ms": 10_000,
      // Short backoff, so that a restarted process is reached again within a second.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1000,
      // Disable grpc-js's global subchannel pool, so that closing this channel closes its
      // connection.
      "grpc.use_local_subchannel_pool": 1,
      ...(options.windowBytes === undefined
        ? {}
        : { "grpc-node.flow_control_window": options.windowBytes }),
    });
  }

  /** Creates the typed client of a service on this connection. */
  client<S extends RpcService>(service: S): RpcClient<S> {
    const calls = Object.entries(service).map(([name, definition]) => {
      const method = definition as unknown as RpcMethod<unknown, unknown>;
      return [name, method.responseStream ? this.#streaming(method) : this.#unary(method)] as const;
    });
    return Object.fromEntries(calls) as unknown as RpcClient<S>;
  }

  /** Waits until the process responds. @throws RpcError UNAVAILABLE after `withinMs` */
  async ready(withinMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.waitForReady(Date.now() + withinMs, (error) => {
        if (error === undefined) resolve();
        else reject(new ClusterError("UNAVAILABLE", `no server answers at ${this.address}`));
      });
    });
  }

  /** Closes the connection; calls in progress fail. Idempotent. */
  close(): void {
    this.#client.close();
  }

  #unary(method: RpcMethod<unknown, unknown>) {
    return (request: unknown, options: CallOptions = {}): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const { signal } = options;
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = () => call.cancel();
        const call = this.#client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          this.#metadata,
          { deadline: this.#deadline(method, options) },
          (error: ServiceError | null, response?: unknown) => {
            signal?.removeEventListener("abort", onAbort);
            if (error === null) resolve(response);
            else reject(this.#error(method, error, signal));
          },
        );
        signal?.addEventListener("abort", onAbort, { once: true });
      });
  }

  #streaming(method: RpcMethod<unknown, unknown>) {
    return (request: unknown, options: CallOptions = {}): AsyncIterable<unknown> =>
      readStream({
        open: () =>
          this.#client.makeServerStreamRequest(
            method.path,
            method.requestSerialize,
            method.responseDeserialize,
            request,
            this.#metadata,
            { deadline: this.#deadline(method, options) },
          ),
        translate: (error) => this.#error(method, error, options.signal),
        signal: options.signal ?? null,
      });
  }

  #deadline(method: RpcMethod<unknown, unknown>, options: CallOptions): number {
    return Date.now() + (options.deadlineMs ?? deadlineMs(method.path));
  }

  #error(
    method: RpcMethod<unknown, unknown>,
    error: ServiceError,
    signal: AbortSignal | undefined,
  ): Error {
    if (signal?.aborted) return signal.reason as Error;
    return fromGrpcFailure(error, { method: method.path, address: this.address });
  }
}
