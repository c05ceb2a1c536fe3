import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";

import { type Dispatcher, Agent, ProxyAgent, request } from "undici";
import { errorMessage } from "@gumshoe/core";

import { EndpointError } from "../errors.js";
import { type EndpointUrl, withoutSecrets } from "./endpoint-url.js";
import { proxyFor } from "./proxy.js";
import { shorten } from "./read-completion.js";

/** Longest accepted reply, in bytes, when it is decompressed. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 30_000;
/** The compressions that requests allow: some gateways compress whatever is asked for. */
const DECODERS = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;
/** Names that servers give to no compression at all. */
const PLAIN = new Set(["", "identity", "none", "utf-8", "utf8"]);

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
      const text = await this.#decode(await readBytes(response.body), response.headers);
      return { status: response.statusCode, headers: response.headers, text };
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof EndpointError) throw thrown;
      if (thrown instanceof RangeError) throw this.#error(thrown.message, "reply", false);
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
      "accept-encoding": Object.keys(DECODERS).join(", "),
      ...(authorization === null ? {} : { authorization }),
    };
  }

  /** A small reply may expand without limit: it is decompressed up to the longest accepted one. */
  async #decode(bytes: Uint8Array, headers: EndpointResponse["headers"]): Promise<string> {
    const encoding = String(headers["content-encoding"] ?? "").toLowerCase();
    let plain = bytes;
    if (encoding in DECODERS) {
      const decode = DECODERS[encoding as keyof typeof DECODERS];
      plain = await decode(bytes, { maxOutputLength: MAX_REPLY_BYTES }).catch((error: unknown) => {
        const isTooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
        const what = isTooLong ? `more than ${MAX_REPLY_BYTES} bytes` : "damaged";
        throw this.#error(
          `sent a reply compressed as ${encoding} that is ${what}`,
          "reply",
          !isTooLong,
        );
      });
    } else if (!PLAIN.has(encoding)) {
      const name = shorten(encoding);
      throw this.#error(`sent a reply compressed as ${name}, not asked for`, "reply", false);
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(plain);
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
    if (bytes > MAX_REPLY_BYTES)
      throw new RangeError(`sent a reply of more than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return errorMessage(thrown);
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return causeOf(thrown.errors[0]);
  }
  if (thrown.cause instanceof Error) return causeOf(thrown.cause);
  return thrown.message;
}
