import type { IncomingMessage, ServerResponse } from "node:http";

import { type Logger, systemClock, type Tls } from "@gumshoe/core";
import { HttpListener, setSecurityHeaders } from "@gumshoe/http";
import { addressOf, isBearer, RefusalLog, warnIfPlaintext } from "@gumshoe/rpc";

import { sendProblem } from "./answer.js";
import type { ApiServer } from "./api-server.js";
import { loginPage, welcomePage } from "./login-page.js";
import { readRequest } from "./read-json.js";
import type { Sessions } from "./sessions.js";
import type { StaticPage } from "./static-page.js";

const HEALTH_PATH = "/healthz";
const LOGIN_PATH = "/login";
const API_LOGIN_PATH = "/api/login";
/** Most connections at a time: a browser has six, and pages may be many. */
const MAX_CONNECTIONS = 1024;
const PLAIN_TEXT = "text/plain; charset=utf-8";
const HTML = "text/html; charset=utf-8";

/** A text page to serve. */
export interface Page {
  readonly contentType: string;
  readonly text: () => string | Promise<string>;
}

/** What the server serves. */
export interface HttpServerOptions {
  readonly token: string;
  readonly tls: Tls;
  readonly sessions: Sessions;
  /** Text pages, by path. */
  readonly pages: ReadonlyMap<string, Page>;
  readonly api: ApiServer | null;
  /** The web page; null when it is not built. */
  readonly page: StaticPage | null;
  readonly logger: Logger;
  /** The status that the health check reports. */
  readonly isServing: () => boolean;
}

/**
 * The coordinator's HTTP server: health, metrics, the JSON API and the web page.
 *
 * - `GET /healthz` needs no login: 200 while the coordinator serves, 503 while it starts or stops,
 *   or after another coordinator has taken its fence.
 * - All else needs the token, or the cookie of a session, and, with TLS files, a client certificate.
 * - Connections without either are limited as those of gRPC: see HttpListener.
 */
export class HttpServer {
  readonly #listener: HttpListener;
  readonly #options: HttpServerOptions;
  readonly #refusals: RefusalLog;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { tls, logger } = options;
    this.#refusals = new RefusalLog({ logger, clock: systemClock });
    this.#listener = new HttpListener({
      tls,
      maxConnections: MAX_CONNECTIONS,
      describeMalformed: (_, message) => ({
        error: { code: "INVALID_ARGUMENT", message, field: null },
      }),
      onRequest: (request, response) => void this.#answer(request, response),
    });
  }

  /**
   * Starts to serve.
   *
   * @param address  host:port; port 0 for any free one
   * @returns        host:port with the actual port
   * @throws         ListenError when the port is in use or the host is not of this machine
   */
  async listen(address: string): Promise<string> {
    const served = await this.#listener.listen(address);
    warnIfPlaintext(this.#options.logger, served, this.#options.tls);
    return served;
  }

  /** Closes the server and cuts off requests in progress. */
  stop(): Promise<void> {
    return this.#listener.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0] as string;
    const isKnown = this.#identify(request, response);
    if (isKnown === null) {
      request.socket.destroy();
      return;
    }
    setSecurityHeaders(response);
    try {
      if (path === HEALTH_PATH && isReading(request)) this.#showHealth(response);
      else if (path === LOGIN_PATH) await this.#logIn(request, response);
      else if (path === API_LOGIN_PATH && this.#options.api !== null) {
        await this.#options.api.serve(path, request, response, "stranger");
      } else if (isKnown === "stranger") await this.#refuse(path, request, response);
      else await this.#serve(path, request, response, isKnown);
    } catch (error) {
      this.#options.logger.error({ err: error, path }, "a request could not be answered");
      if (!response.headersSent) end(response, 500, "this could not be answered");
      else response.destroy();
    }
  }

  /** Authenticates a request; null when a caller without a login exceeds the rate limit. */
  #identify(request: IncomingMessage, response: ServerResponse): Caller | null {
    const { token, sessions } = this.#options;
    const { connections } = this.#listener;
    const peer = addressOf(request.socket);
    const { authorization, cookie } = request.headers;
    const isBearing = isBearer(authorization, token);
    if (isBearing || sessions.isOpen(cookie)) {
      connections.trust(peer);
      return isBearing ? "token" : "session";
    }
    if (!connections.mayBegin(peer)) return null;
    const endCall = connections.beginCall(peer);
    response.once("close", endCall);
    return "stranger";
  }

  #showHealth(response: ServerResponse): void {
    if (this.#options.isServing()) end(response, 200, "ok");
    else end(response, 503, "not serving");
  }

  /** Logs a browser in: by the code of a link, or by the form. */
  async #logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sessions } = this.#options;
    if (isReading(request)) {
      const code = new URL(request.url ?? "/", "http://local").searchParams.get("code");
      if (code !== null && request.method === "GET" && sessions.redeem(code)) {
        this.#welcome(response);
      } else sendHtml(response, code === null ? 200 : 401, loginPage(code === null ? "" : "used"));
      return;
    }
    if (request.method !== "POST") {
      end(response, 405, "GET and POST are all that is served here", { allow: "GET, HEAD, POST" });
      return;
    }
    const form = new URLSearchParams(await readRequest(request, false).catch(() => ""));
    if (sessions.isToken(form.get("token") ?? "")) this.#welcome(response);
    else sendHtml(response, 401, loginPage("token"));
  }

  #welcome(response: ServerResponse): void {
    response.setHeader("set-cookie", this.#options.sessions.newCookie());
    sendHtml(response, 200, welcomePage());
  }

  async #refuse(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const problem = request.headers.authorization === undefined ? "missing" : "wrong";
    const message = `the token is ${problem}`;
    this.#refusals.log({ peer: addressOf(request.socket) }, message);
    response.setHeader("www-authenticate", "Bearer");
    if (path.startsWith("/api/")) {
      await sendProblem(request, response, { status: 401, code: "UNAUTHENTICATED", message });
    } else if (String(request.headers.accept ?? "").includes("text/html")) {
      sendHtml(response, 401, loginPage(""));
    } else end(response, 401, message);
  }

  async #serve(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: Caller,
  ): Promise<void> {
    const { api, page, pages } = this.#options;
    if (api !== null && path.startsWith("/api/")) {
      await api.serve(path, request, response, caller);
      return;
    }
    if (!isReading(request)) {
      end(response, 405, "GET is all that is served here", { allow: "GET, HEAD" });
      return;
    }
    const text = pages.get(path);
    if (text !== undefined) await this.#showPage(path, text, response);
    else if (page?.send(path, request, response) !== true) {
      end(response, 404, `there are ${[HEALTH_PATH, ...pages.keys()].join(", ")}`);
    }
  }

  async #showPage(path: string, page: Page, response: ServerResponse): Promise<void> {
    try {
      const text = await page.text();
      response.writeHead(200, { "content-type": page.contentType });
      response.end(text);
    } catch (error) {
      this.#options.logger.error({ err: error, path }, "a page could not be made");
      end(response, 500, "this page could not be made");
    }
  }
}

/** How a caller is known. */
export type Caller = "token" | "session" | "stranger";

function isReading({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD";
}

function sendHtml(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { "content-type": HTML, "cache-control": "no-store" });
  response.end(html);
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
