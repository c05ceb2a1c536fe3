/**
 * Calls a server of tasks and grades: one POST of JSON per call.
 *
 * - A connection that fails, a 429 and a 5xx are repeated, with growing delays; any other status is
 *   final.
 * - A redirect is refused: the cluster's owner allows servers by their URL.
 * - A response is limited in size, and each attempt in time.
 */
import { errorMessage, retry, type RetryPolicy, systemClock } from "@gumshoe/core";

import { SourceAwayError, SourceServerError } from "../errors.js";

/** Bytes of a response: eight times what a task's messages may have. */
const MAX_RESPONSE_BYTES = 8_000_000;
/** Characters of a response in an error. */
const MAX_SHOWN = 200;
const POLICY: RetryPolicy = { attempts: 5, firstDelayMs: 250, maxDelayMs: 4000 };

/** A server, as named by a config. */
export interface SourceServer {
  /** Config field that names it, for errors. */
  readonly field: string;
  readonly url: string;
  /** Sent as a bearer token; null for none. */
  readonly token: string | null;
  /** Time limit of an attempt, in seconds. */
  readonly seconds: number;
}

/** A client of one server. */
export class SourceClient {
  readonly #server: SourceServer;
  readonly #closed = new AbortController();

  constructor(server: SourceServer) {
    this.#server = server;
  }

  /**
   * Makes a call, and returns its response.
   *
   * @param route  path below the server's URL
   * @param tries  attempts, 5 by default
   * @throws       SourceAwayError when no attempt got a response; SourceServerError for a response
   *   other than JSON with status 200
   */
  call(route: "version" | "task" | "grade", body: unknown, tries?: number): Promise<unknown> {
    const text = JSON.stringify(body);
    return retry(() => this.#attempt(route, text), {
      policy: { ...POLICY, attempts: tries ?? POLICY.attempts },
      clock: systemClock,
      signal: this.#closed.signal,
    });
  }

  /** Ends the calls that are going on. Idempotent. */
  close(): void {
    this.#closed.abort(new SourceServerError(this.#server.field, "was closed during a call"));
  }

  async #attempt(route: string, body: string): Promise<unknown> {
    const { field, url } = this.#server;
    const target = `${url.replace(/\/$/, "")}/${route}`;
    const { status, text } = await this.#post(target, body);
    const shown = text.slice(0, MAX_SHOWN).replace(/\s+/g, " ");
    if (status === 429 || status >= 500) {
      throw new SourceAwayError({ field, url: target }, `answers ${status}: ${shown}`);
    }
    const refuse = (problem: string, cause?: unknown) =>
      new SourceServerError(field, `${target} ${problem}`, cause);
    if (status >= 300 && status < 400) {
      throw refuse(`redirects (${status}), which is not followed: name the server itself`);
    }
    if (status !== 200) throw refuse(`answers ${status}: ${shown}`);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw refuse(`does not answer JSON: ${shown}`, cause);
    }
  }

  async #post(target: string, body: string): Promise<{ status: number; text: string }> {
    const { field, token, seconds } = this.#server;
    const limit = AbortSignal.timeout(seconds * 1000);
    const headers = {
      "content-type": "application/json",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    const signal = AbortSignal.any([limit, this.#closed.signal]);
    try {
      const init = { method: "POST", redirect: "manual", body, headers, signal } as const;
      const response = await fetch(target, init);
      const text = await readText(response);
      if (text !== null) return { status: response.status, text };
    } catch (cause) {
      this.#closed.signal.throwIfAborted();
      const problem = limit.aborted
        ? `gave no response within ${seconds} s`
        : `cannot be reached: ${connectionProblem(cause)}`;
      throw new SourceAwayError({ field, url: target }, problem, cause);
    }
    throw new SourceServerError(field, `${target} answers more than ${MAX_RESPONSE_BYTES} bytes`);
  }
}

/** Reads a body; null when it is too long. */
async function readText(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_RESPONSE_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** `fetch` hides what went wrong in the cause of its error. */
function connectionProblem(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = (cause as { code?: unknown }).code;
  return errorMessage(cause) || (typeof code === "string" ? code : "no reason given");
}
