import type { ServerResponse } from "node:http";

/** Interval of comments that keep proxies from closing a silent stream, in ms. */
const KEEP_ALIVE_MS = 15_000;
/** Bytes that a slow reader may be behind; it is cut off then. */
const MAX_LAG_BYTES = 4 * 1024 * 1024;

/** One open stream of server-sent events. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #timer: NodeJS.Timeout;
  /** Resolves when the caller is gone, or was cut off. */
  readonly closed: Promise<void>;

  /** @param options.retryMs  time after which a browser connects again; default: the browser's own */
  constructor(response: ServerResponse, options: { retryMs?: number } = {}) {
    this.#response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    if (options.retryMs === undefined) response.flushHeaders();
    else response.write(`retry: ${options.retryMs}\n\n`);
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
