import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";

import { systemClock, type TlsFiles } from "@gumshoe/core";
import { Connections, ListenError } from "@gumshoe/rpc";

import { answerMalformed, type DescribeMalformed } from "./malformed-request.js";

/** Time limit of a request's headers and body, and of a TLS handshake, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Interval at which slow and idle connections are closed, in ms. */
const CHECK_EVERY_MS = 2000;
/** Longest request line and headers, in bytes: room for a token, a search and a proxy's headers. */
const MAX_HEADER_BYTES = 8192;
/** Silence after which the system asks whether the peer is still there, in ms. */
const KEEP_ALIVE_AFTER_MS = 30_000;

const LIMITS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: CHECK_EVERY_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
  keepAlive: true,
  keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
};

/** A server's certificate and its key, as PEM. */
export type TlsIdentity = NonNullable<TlsFiles["identity"]>;

/** TLS of a listener. */
export interface HttpTls extends Pick<TlsFiles, "identity" | "clients"> {
  /** Authorities of the certificates of clients, as PEM; null if none are required. */
  readonly ca: string | null;
}

/** What a listener is made of. */
export interface HttpListenerOptions {
  readonly tls: HttpTls | "off" | null;
  /** Connections at a time; further ones are closed. */
  readonly maxConnections: number;
  /** Time after which a connection without a request is closed, in ms; default: Node's 5 s. */
  readonly idleMs?: number;
  readonly describeMalformed: DescribeMalformed;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * An HTTP or HTTPS server with limits: on the size of headers, on the time that a request may take to arrive, and on
 * connections, of which those that never presented a token are limited as those of gRPC are (see Connections).
 */
export class HttpListener {
  readonly connections = new Connections({ clock: systemClock });
  readonly #server: Server;

  constructor(options: HttpListenerOptions) {
    const { tls, onRequest } = options;
    const isPlain = tls === null || tls === "off";
    this.#server = isPlain
      ? createServer(LIMITS, onRequest)
      : createSecureServer(
          {
            ...LIMITS,
            ...tls.identity,
            ...(tls.ca === null ? {} : { ca: tls.ca }),
            requestCert: tls.clients === "certificate",
            handshakeTimeout: REQUEST_TIMEOUT_MS,
            minVersion: "TLSv1.3",
          },
          onRequest,
        );
    this.#server.maxConnections = options.maxConnections;
    if (options.idleMs !== undefined) this.#server.keepAliveTimeout = options.idleMs;
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) =>
      answerMalformed(error, socket, options.describeMalformed),
    );
    this.#server.on(isPlain ? "connection" : "secureConnection", (socket: Socket) =>
      this.connections.add(socket),
    );
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
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(new ListenError(address, error)));
      this.#server.listen(
        Number(address.slice(colon + 1)),
        host.replace(/^\[(.*)\]$/, "$1"),
        resolve,
      );
    });
    const bound = this.#server.address();
    return `${host}:${typeof bound === "object" && bound !== null ? bound.port : ""}`;
  }

  /** Closes the server and cuts off requests in progress. */
  async stop(): Promise<void> {
    this.connections.destroy();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
