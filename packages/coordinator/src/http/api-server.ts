import type { IncomingMessage, ServerResponse } from "node:http";

import { InvalidArgumentError, type Logger } from "@gumshoe/core";
import { parseJson } from "@gumshoe/http";

import { CrossSiteError } from "../errors.js";
import { problemOf, sendJson, sendProblem } from "./answer.js";
import { readRequest } from "./read-json.js";
import { matchRoutes, parsePart, type RouteHandlers, type RouteMatch } from "./router.js";
import { crossSiteProblem } from "./same-origin.js";

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** Serves the routes of the API. */
export class ApiServer {
  readonly #handlers: RouteHandlers;
  readonly #logger: Logger;

  constructor(handlers: RouteHandlers, logger: Logger) {
    this.#handlers = handlers;
    this.#logger = logger;
  }

  /**
   * Answers a request to a path below `/api/`.
   *
   * @param caller  `session`: a browser with a cookie, whose changes must come from this server's own page
   */
  async serve(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    caller: "token" | "session" | "stranger",
  ): Promise<void> {
    const routes = matchRoutes(path);
    const match = routes.get(request.method === "HEAD" ? "GET" : (request.method ?? ""));
    if (match === undefined) {
      await refuseMethod([...routes.keys()], request, response);
      return;
    }
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const input = await readInput(match, request, caller);
      const handler = this.#handlers[match.name] as (request: unknown) => Promise<unknown>;
      const answer = await handler({ ...input, request, response, signal: gone.signal });
      if (match.route.response !== null) await sendJson(request, response, answer);
    } catch (error) {
      if (gone.signal.aborted) return;
      await this.#fail(error, request, response);
    }
  }

  async #fail(error: unknown, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const known = problemOf(error);
    if (known === null) this.#logger.error({ err: error, path: request.url }, "the API failed");
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a body that was not read would be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    const message = "this could not be answered; the coordinator's log has the reason";
    if (known !== null) await sendJson(request, response, known.problem, known.status);
    else await sendProblem(request, response, { status: 500, code: "INTERNAL", message });
  }
}

async function refuseMethod(
  methods: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (methods.length === 0) {
    const message = "there is no such path; /api/openapi.json lists them";
    await sendProblem(request, response, { status: 404, code: "NOT_FOUND", message });
    return;
  }
  response.setHeader("allow", methods.join(", "));
  const message = `${request.method} is not served here`;
  await sendProblem(request, response, { status: 405, code: "INVALID_ARGUMENT", message });
}

/** Parses a request by the schemas of its route. @throws ClusterError */
async function readInput({ route, params }: RouteMatch, request: IncomingMessage, caller: string) {
  const query = Object.fromEntries(new URL(request.url ?? "/", "http://local").searchParams);
  return {
    params: parsePart(route.params, params),
    query: parsePart(route.query, query),
    body: route.method === "POST" ? await readChange(route.body, request, caller) : undefined,
  };
}

/** Reads the body of a change, which another site must not be able to ask for. @throws ClusterError */
async function readChange(
  schema: RouteMatch["route"]["body"],
  request: IncomingMessage,
  caller: string,
): Promise<unknown> {
  const crossSite = caller === "session" ? crossSiteProblem(request) : null;
  if (crossSite !== null) throw new CrossSiteError(crossSite);
  // A form of another site cannot send this type.
  if (!JSON_TYPE.test(request.headers["content-type"] ?? "")) {
    throw new InvalidArgumentError("content-type", "must be application/json");
  }
  return parsePart(schema, parseJson(await readRequest(request, caller !== "stranger")));
}
