import { type Dispatcher, Agent, ProxyAgent, request } from "undici";
import { errorMessage } from "@gumshoe/core";

import { EndpointError } from "../errors.js";
import { type EndpointUrl, withoutSecrets } from "./endpoint-url.js";
import { proxyFor } from "./proxy.js";
import { shorten } from "./read-completion.js";

/** Longest accepted reply, in bytes. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 30_000;

/** The response to a request. */
export interface EndpointResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Options of a connection. */
export interface ConnectionSettings {
  readonly endpoint: EndpointUrl;
  readonly apiKey: string | null;
  readonly timeoutMs: number;
  /** Environment with the proxy variables; see {@link proxyFor}. */
  readonly env: NodeJS.ProcessEnv;
}

/** Posts requests to an endpoint, directly or through the proxy in the environment. */
export class EndpointConnection {
  readonly #settings: ConnectionSettings;
  readonly #proxy: URL | null;
  readonly #dispatcher: Dispatcher;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#proxy = proxyFor(settings.endpoint.url, settings.env);
    // The signal is the only time limit of a request: sampling an answer may take minutes.
    const limits = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: CONNECT_TIMEOUT_MS };
    this.#dispatcher =
      this.#proxy === null
        ? new Agent(limits)
        : new ProxyAgent({
            uri: this.#proxy.href,
            proxyTunnel: settings.endpoint.url.startsWith("https:"),
            headersTimeout: limits.headersTimeout,
            bodyTimeout: limits.bodyTimeout,
            connectTimeout: limits.connectTimeout,
          });
  }

  /**
   * Sends one request.
   *
   * @throws EndpointError, retryable, when no complete reply was received; the signal's reason
   */
  async post(body: unknown, signal: AbortSignal): Promise<EndpointResponse> {
    const { endpoint, timeoutMs } = this.#settings;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(endpoint.url, {
        method: "POST",
        headers: this.#headers(),
        body: JSON.stringify(body),
        dispatcher: this.#dispatcher,
        signal: AbortSignal.any([signal, timeout]),
      });
      const text = this.#decode(await readBytes(response.body), response.headers);
      return { status: response.statusCode, headers: response.headers, text };
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof EndpointError) throw thrown;
      if (timeout.aborted) {
        throw this.#error(`sent no whole reply within ${timeoutMs / 1000} s`, "timeout");
      }
      const by =
        this.#proxy === null ? "" : ` through the proxy ${withoutSecrets(this.#proxy.href)}`;
      throw this.#error(`cannot be reached${by} (${causeOf(thrown)})`, "connection");
    }
  }

  /** Closes the connections; requests in progress fail. */
  close(): void {
    void this.#dispatcher.destroy().catch(() => undefined);
  }

  #headers(): Record<string, string> {
    const { apiKey, endpoint } = this.#settings;
    const bearer = apiKey === null ? null : `Bearer ${apiKey}`;
    // Credentials in the URL take precedence: they are meant for this endpoint, the variable's key
    // may not be.
    const authorization = endpoint.authorization ?? bearer;
    return {
      "content-type": "application/json",
      accept: "application/json",
      "accept-encoding": "identity",
      ...(authorization === null ? {} : { authorization }),
    };
  }

  /**
   * Compressed replies are rejected: none was requested, and a small one could expand without
   * limit.
   */
  #decode(bytes: Uint8Array, headers: EndpointResponse["headers"]): string {
    const compressed = compression(headers["content-encoding"]);
    if (compressed !== null) {
      throw this.#error(`sent a reply compressed as ${compressed}, not asked for`, "reply", false);
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw this.#error("sent a reply that is not UTF-8", "reply");
    }
  }

  #error(problem: string, kind: "timeout" | "connection" | "reply", mayPass = true): EndpointError {
    return new EndpointError(this.#settings.endpoint.shown, problem, mayPass, { kind });
  }
}

async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_REPLY_BYTES) throw new Error(`a reply of more than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns the compression of a reply; null for none. */
function compression(encoding: string | string[] | undefined): string | null {
  const given = String(encoding ?? "").toLowerCase();
  return given === "" || given === "identity" ? null : shorten(given);
}

function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return errorMessage(thrown);
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return causeOf(thrown.errors[0]);
  }
  if (thrown.cause instanceof Error) return causeOf(thrown.cause);
  return thrown.message;
}
