import type { IncomingMessage } from "node:http";

import type { Clock, Logger } from "@gumshoe/core";
import { addressOf, isBearer, isLoopback, RefusalLog } from "@gumshoe/rpc";

import { RequestProblem } from "../errors.js";

/**
 * Decides who may ask: callers with the key; without one, programs of this machine.
 *
 * Without a key, a page in a browser of this machine must not be able to ask either. It cannot send JSON to another site without
 * a permission that this server never gives, and a name that was made to point here is not a loopback host.
 */
export class Access {
  readonly #key: string | null;
  readonly #refusals: RefusalLog;

  /** @param options.key  null: none is needed */
  constructor(options: { key: string | null; logger: Logger; clock: Clock }) {
    this.#key = options.key;
    this.#refusals = new RefusalLog({ logger: options.logger, clock: options.clock });
  }

  /** Returns why a request is refused; null if its caller may ask. */
  problemOf(request: IncomingMessage): RequestProblem | null {
    if (this.#key === null) return hostProblem(request);
    const { authorization } = request.headers;
    if (isBearer(authorization, this.#key)) return null;
    const problem = authorization === undefined ? "missing" : "wrong";
    const message = `the API key is ${problem}: send it as "Authorization: Bearer KEY"`;
    const fields = { type: "invalid_request_error", param: null, code: "invalid_api_key" };
    return new RequestProblem({ status: 401, ...fields }, message);
  }

  /** Logs a request that was refused. */
  log(request: IncomingMessage, { message }: RequestProblem): void {
    this.#refusals.log({ peer: addressOf(request.socket) }, message);
  }
}

function hostProblem({ headers: { host = "" } }: IncomingMessage): RequestProblem | null {
  if (isLoopback(host.replace(/:\d{1,5}$/, ""))) return null;
  const fields = { type: "invalid_request_error", param: null, code: "forbidden_host" };
  const message = "a server without a key answers to localhost only, and not to this host name";
  return new RequestProblem({ status: 403, ...fields }, message);
}
