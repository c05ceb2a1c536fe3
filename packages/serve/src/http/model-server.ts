import { randomInt, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Clock, Logger } from "@gumshoe/core";
import type { ChatOptions } from "@gumshoe/engine";
import {
  HttpListener,
  parseJson,
  readBody,
  setSecurityHeaders,
  type TlsIdentity,
} from "@gumshoe/http";
import { addressOf } from "@gumshoe/rpc";

import type { ServedModel } from "../engine/served-model.js";
import { RequestProblem } from "../errors.js";
import { Access } from "./access.js";
import { Admission } from "./admission.js";
import { AnswerRequest } from "./answer-request.js";
import { problemOf, toProblem } from "./problem.js";
import { sendJson } from "./send-json.js";

const JSON_TYPE = /^application\/json\s*(;|$)/i;
/** Connections beyond the open requests: callers keep theirs, and may be told to come later. */
const SPARE_CONNECTIONS = 1024;
/** How long requests that were cut off may take to say so, in ms. */
const CUT_MS = 1000;
/** Seconds after which a caller that was refused for the load may ask again. */
const RETRY_AFTER_S = "1";
/**
 * Time after which an idle connection is closed, in ms: longer than clients and proxies keep theirs, so that none sends a request
 * into a connection that is being closed.
 */
const IDLE_MS = 75_000;
const CHAT_PATH = "/v1/chat/completions";
const COMPLETIONS_PATH = "/v1/completions";
const MODELS_PATH = "/v1/models";
const HEALTH_PATHS = ["/health", "/healthz"];

/** Limits of a server. */
export interface ServerLimits {
  /** Requests that are read or answered at a time. */
  readonly maxOpenRequests: number;
  /** Requests that each address may begin in a minute; null: no limit. */
  readonly requestsPerMinute: number | null;
  readonly maxBodyBytes: number;
  /** Tokens of an answer. */
  readonly maxAnswerTokens: number;
  /** Time that a request may take, in ms, waiting included. */
  readonly timeoutMs: number;
}

/** Default limits. */
export const SERVER_LIMITS: ServerLimits = {
  maxOpenRequests: 256,
  requestsPerMinute: null,
  maxBodyBytes: 1024 * 1024,
  maxAnswerTokens: 4096,
  timeoutMs: 600_000,
};

/** What a server is made of. */
export interface ModelServerOptions {
  /** Name of the model in requests. */
  readonly name: string;
  readonly model: ServedModel;
  /** API key; null: none is needed, and only this machine may ask. */
  readonly key: string | null;
  /** Its certificate for HTTPS; null serves HTTP. */
  readonly tls: TlsIdentity | null;
  readonly limits: ServerLimits;
  /** Variables of the chat template, and its date. */
  readonly chat: ChatOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * An OpenAI-compatible HTTP server in front of a model.
 *
 * A request is admitted before its body is read, is answered by the model that is served when its prompt is tokenized, and leaves the
 * sampler's batch when its caller leaves, its time is over or the server stops.
 */
export class ModelServer {
  readonly #options: ModelServerOptions;
  readonly #listener: HttpListener;
  readonly #access: Access;
  readonly #admission: Admission;
  /** Cut off by `stop`. */
  readonly #open = new Set<AbortController>();
  #model: ServedModel;
  #isStopping = false;
  readonly #createdAtS: number;

  constructor(options: ModelServerOptions) {
    const { key, tls, logger, clock, limits } = options;
    this.#options = options;
    this.#model = options.model;
    this.#createdAtS = Math.floor(clock.now() / 1000);
    this.#access = new Access({ key, logger, clock });
    const { maxOpenRequests: maxOpen, requestsPerMinute: perMinute } = limits;
    this.#admission = new Admission({ maxOpen, perMinute }, clock);
    this.#listener = new HttpListener({
      tls: tls === null ? null : { identity: tls, ca: null, clients: "token" },
      maxConnections: maxOpen + SPARE_CONNECTIONS,
      idleMs: IDLE_MS,
      describeMalformed: (_, message) =>
        toProblem({ type: "invalid_request_error", param: null, code: null }, message),
      onRequest: (request, response) => void this.#answer(request, response),
    });
  }

  /** Number of requests that are read or answered now. */
  get numOpen(): number {
    return this.#admission.numOpen;
  }

  /** Starts to serve; returns host:port with the actual port. @throws ListenError */
  listen(address: string): Promise<string> {
    return this.#listener.listen(address);
  }

  /** Serves another model from now on; requests of the one before are answered by it to their end. */
  use(model: ServedModel): void {
    const before = this.#model;
    this.#model = model;
    before.replace();
  }

  /** Takes no more requests, waits for open ones, cuts them off after the budget, and closes the server. */
  async stop(budgetMs: number): Promise<void> {
    this.#isStopping = true;
    if (!(await this.#isDone(budgetMs))) {
      for (const gone of this.#open) gone.abort(stopping());
      await this.#isDone(CUT_MS);
    }
    await this.#listener.stop();
  }

  async #isDone(budgetMs: number): Promise<boolean> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + budgetMs;
    while (this.#admission.numOpen > 0 && clock.monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return this.#admission.numOpen === 0;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { connections } = this.#listener;
    const peer = addressOf(request.socket);
    const refusal = this.#access.problemOf(request);
    if (refusal === null) connections.trust(peer);
    else {
      if (!connections.mayBegin(peer)) {
        request.socket.destroy();
        return;
      }
      response.once("close", connections.beginCall(peer));
    }
    setSecurityHeaders(response);
    response.setHeader("x-request-id", randomUUID());
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      if (HEALTH_PATHS.includes(path)) this.#showHealth(request, response, refusal === null);
      else if (refusal !== null) {
        this.#access.log(request, refusal);
        throw refusal;
      } else await this.#route(path, { request, response, gone });
    } catch (error) {
      if (!response.destroyed) this.#fail(error, request, response);
    }
  }

  #showHealth(request: IncomingMessage, response: ServerResponse, isKnown: boolean): void {
    checkMethod(request, response, "GET");
    const status = this.#isStopping ? "stopping" : "ok";
    const { numOpen } = this.#admission;
    const load = { model: this.#model.title, openRequests: numOpen };
    const value = isKnown ? { status, ...load } : { status };
    sendJson(request, response, { value, status: this.#isStopping ? 503 : 200 });
  }

  async #route(path: string, exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    if (path === CHAT_PATH || path === COMPLETIONS_PATH) {
      checkMethod(request, response, "POST");
      await this.#generate(path === CHAT_PATH ? "chat" : "completions", exchange);
      return;
    }
    const name = path.startsWith(`${MODELS_PATH}/`) ? path.slice(MODELS_PATH.length + 1) : null;
    if (path !== MODELS_PATH && name === null) {
      const paths = [CHAT_PATH, COMPLETIONS_PATH, MODELS_PATH, ...HEALTH_PATHS.slice(0, 1)];
      throw notFound(`there is no such path; there are ${paths.join(", ")}`, null, null);
    }
    checkMethod(request, response, "GET");
    if (name !== null) this.#checkName(decode(name));
    const data = this.#describeModel();
    const value = name === null ? { object: "list", data: [data] } : data;
    sendJson(request, response, { value });
  }

  /** Answers a request for text. */
  async #generate(kind: "chat" | "completions", { request, response, gone }: Exchange) {
    if (this.#isStopping) throw stopping();
    const { limits, chat, clock, name } = this.#options;
    const end = this.#admission.admit(request.socket.remoteAddress ?? "");
    const timer = setTimeout(() => gone.abort(timeout(limits.timeoutMs)), limits.timeoutMs);
    this.#open.add(gone);
    try {
      const body = await readJsonBody(request, limits.maxBodyBytes);
      const model = this.#model;
      const answer = AnswerRequest.read(kind, body, {
        model,
        chat,
        maxAnswerTokens: limits.maxAnswerTokens,
        freshSeed: () => randomInt(2 ** 47),
      });
      if (answer.model !== null) this.#checkName(answer.model);
      const identity = {
        id: `${answer.format.idPrefix}${randomUUID().replaceAll("-", "")}`,
        created: Math.floor(clock.now() / 1000),
        model: name,
        system_fingerprint: fingerprint(model),
      };
      await answer.send(identity, { request, response, signal: gone.signal });
    } finally {
      clearTimeout(timer);
      this.#open.delete(gone);
      end();
    }
  }

  #checkName(asked: string): void {
    const { name } = this.#options;
    if (asked === name) return;
    const message = `there is no model ${JSON.stringify(asked.slice(0, 100))}; there is ${name}`;
    throw notFound(message, "model", "model_not_found");
  }

  #describeModel(): object {
    const { title, maxPositions } = this.#model;
    return {
      id: this.#options.name,
      object: "model",
      created: this.#createdAtS,
      owned_by: "gumshoe",
      max_model_len: maxPositions,
      system_fingerprint: fingerprint(this.#model),
      title,
    };
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const known = problemOf(error);
    if (known === null) {
      this.#options.logger.error({ err: error }, "a request could not be answered");
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a body that was not read would be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    const message = "this could not be answered; the server's log has the reason";
    const { status, problem } = known ?? {
      status: 500,
      problem: toProblem({ type: "server_error", param: null, code: null }, message),
    };
    if (status === 401) response.setHeader("www-authenticate", "Bearer");
    if (status === 429 || status === 503) response.setHeader("retry-after", RETRY_AFTER_S);
    sendJson(request, response, { value: problem, status });
  }
}

/** A request with its response. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller is gone, or the request's time is over. */
  readonly gone: AbortController;
}

async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  const refuse = (header: string, problem: string) => {
    const fields = { type: "invalid_request_error", param: header, code: "unsupported_media_type" };
    return new RequestProblem({ status: 415, ...fields }, `${header}: ${problem}`);
  };
  if (!JSON_TYPE.test(type)) throw refuse("content-type", "must be application/json");
  if (encoding !== "identity") throw refuse("content-encoding", "compressed bodies are not taken");
  return parseJson(await readBody(request, maxBytes));
}

function checkMethod(
  { method }: IncomingMessage,
  response: ServerResponse,
  wanted: "GET" | "POST",
): void {
  if (method === wanted || (wanted === "GET" && method === "HEAD")) return;
  response.setHeader("allow", wanted === "GET" ? "GET, HEAD" : wanted);
  const fields = { type: "invalid_request_error", param: null, code: null };
  throw new RequestProblem({ status: 405, ...fields }, `${method} is not served here`);
}

function fingerprint({ digest }: ServedModel): string {
  return `fp_${digest.slice(0, 16)}`;
}

function notFound(message: string, param: string | null, code: string | null): RequestProblem {
  return new RequestProblem({ status: 404, type: "invalid_request_error", param, code }, message);
}

function stopping(): RequestProblem {
  const fields = { status: 503, type: "server_error", param: null, code: "server_stopping" };
  return new RequestProblem(fields, "the server is stopping");
}

function timeout(timeoutMs: number): RequestProblem {
  const fields = { status: 504, type: "server_error", param: null, code: "timeout" };
  const message = `the request took longer than ${timeoutMs / 1000} s, which is the limit`;
  return new RequestProblem(fields, message);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
