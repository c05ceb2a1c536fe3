import { type IncomingMessage, type ServerResponse } from "node:http";

/** Interval of comments that keep proxies from closing a silent stream, in ms. */
const KEEP_ALIVE_MS = 15_000;
/** Time after which a browser connects again, in ms. */
const RETRY_MS = 2000;
/** Bytes that a slow reader may be behind; it is cut off then, and continues by its last number. */
const MAX_LAG_BYTES = 4 * 1024 * 1024;

/** Formats one message of a stream of server-sent events. */
export function formatMessage(event: string, data: unknown, id: number | null = null): string {
  const line = id === null ? "" : `id: ${id}\n`;
  return `${line}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** One open stream of server-sent events. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  /** Resolves when the caller is gone, or was cut off. */
  readonly closed: Promise<void>;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#timer = setInterval(() => this.write(": still here\n\n"), KEEP_ALIVE_MS);
    this.closed = new Promise((resolve) => {
      response.once("close", () => {
        clearInterval(this.#timer);
        resolve();
      });
    });
  }

  /** Writes formatted messages. */
  write(text: string): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableLength > MAX_LAG_BYTES) this.#response.destroy();
    else this.#response.write(text);
  }

  end(): void {
    this.#response.end();
  }
}

/** Returns the number after which a stream goes on: the browser's, or that of the query; null for neither. */
export function lastEventId(request: IncomingMessage, after: string | undefined): number | null {
  const header = request.headers["last-event-id"];
  const text = typeof header === "string" && header !== "" ? header : after;
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
