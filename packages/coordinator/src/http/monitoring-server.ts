import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";

import { type Logger, systemClock, type Tls } from "@gumshoe/core";
import { isBearer, ListenError, RefusalLog, warnIfPlaintext } from "@gumshoe/rpc";

const HEALTH_PATH = "/healthz";
const REQUEST_TIMEOUT_MS = 10_000;
/** Interval at which slow and idle connections are closed, in ms. */
const CHECK_EVERY_MS = 2000;
/** Longest request line and headers, in bytes: room for a token and a proxy's headers. */
const MAX_HEADER_BYTES = 8192;
/** Most connections at a time: a cluster has few monitors. */
const MAX_CONNECTIONS = 256;
const PLAIN_TEXT = "text/plain; charset=utf-8";

const LIMITS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: CHECK_EVERY_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
};

/** A text page to serve. */
export interface Page {
  readonly contentType: string;
  readonly text: () => string | Promise<string>;
}

/**
 * The coordinator's HTTP server, for monitors and load balancers.
 *
 * - `GET /healthz` needs no token: 200 while the coordinator serves, 503 while it starts or stops,
 *   or after another coordinator has taken its fence.
 * - All else needs the token and, with TLS files, a client certificate, as in gRPC.
 */
export class MonitoringServer {
  readonly #server: Server;
  readonly #token: string;
  readonly #tls: Tls;
  readonly #pages: ReadonlyMap<string, Page>;
  readonly #logger: Logger;
  readonly #refusals: RefusalLog;
  readonly #isServing: () => boolean;

  /**
   * @param options.pages      the pages, by path
   * @param options.isServing  the status that the health check reports
   */
  constructor(options: {
    token: string;
    tls: Tls;
    pages: ReadonlyMap<string, Page>;
    logger: Logger;
    isServing: () => boolean;
  }) {
    const { token, tls, pages, logger } = options;
    this.#token = token;
    this.#tls = tls;
    this.#pages = pages;
    this.#logger = logger;
    this.#refusals = new RefusalLog({ logger, clock: systemClock });
    this.#isServing = options.isServing;
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      this.#answer(request, response);
    this.#server =
      tls === null || tls === "off"
        ? createServer(LIMITS, answer)
        : createSecureServer(
            {
              ...LIMITS,
              ...tls.identity,
              ca: tls.ca,
              requestCert: tls.clients === "certificate",
              handshakeTimeout: REQUEST_TIMEOUT_MS,
              minVersion: "TLSv1.3",
            },
            answer,
          );
    this.#server.maxConnections = MAX_CONNECTIONS;
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
    const served = `${host}:${typeof bound === "object" && bound !== null ? bound.port : ""}`;
    warnIfPlaintext(this.#logger, served, this.#tls);
    return served;
  }

  /** Closes the server and cuts off requests in progress. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "/").split("?")[0] as string;
    if (request.method !== "GET" && request.method !== "HEAD") {
      end(response, 405, "only GET is supported", { allow: "GET, HEAD" });
    } else if (path === HEALTH_PATH) {
      if (this.#isServing()) end(response, 200, "ok");
      else end(response, 503, "not serving");
    } else if (!isBearer(request.headers.authorization, this.#token)) {
      const problem = request.headers.authorization === undefined ? "missing" : "wrong";
      const { remoteAddress, remotePort } = request.socket;
      this.#refusals.log({ peer: `${remoteAddress}:${remotePort}` }, `the token is ${problem}`);
      end(response, 401, `the token is ${problem}`, { "www-authenticate": "Bearer" });
    } else {
      void this.#show(path, response);
    }
  }

  async #show(path: string, response: ServerResponse): Promise<void> {
    const page = this.#pages.get(path);
    if (page === undefined) {
      end(response, 404, `there are ${[HEALTH_PATH, ...this.#pages.keys()].join(", ")}`);
      return;
    }
    try {
      const text = await page.text();
      response.writeHead(200, { "content-type": page.contentType });
      response.end(text);
    } catch (error) {
      this.#logger.error({ err: error, path }, "a page could not be made");
      end(response, 500, "this page could not be made");
    }
  }
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": PLAIN_TEXT, ...headers });
  response.end(`${text}\n`);
}
