import type { Clock, Logger } from "@gumshoe/core";

/** Interval, in ms, at which a rejected caller is logged again for the same reason. */
const EVERY_MS = 60_000;
/** Rejections that are remembered: bounds memory and log when many addresses or names are used. */
const MAX_REMEMBERED = 1000;

/** Logs rejected callers: one line per caller and reason, however often it retries. */
export class RefusalLog {
  readonly #logger: Logger | null;
  readonly #clock: Clock;
  /** Time of the last log line, by the caller's host and the reason; the oldest first. */
  readonly #mentioned = new Map<string, number>();

  constructor(options: { logger: Logger | null; clock: Clock }) {
    this.#logger = options.logger;
    this.#clock = options.clock;
  }

  /** @param call.peer  host:port of the caller */
  log(call: { peer: string; method?: string }, problem: string): void {
    const now = this.#clock.monotonicMs();
    for (const [key, atMs] of this.#mentioned) {
      if (now - atMs <= EVERY_MS) break;
      this.#mentioned.delete(key);
    }
    const key = `${call.peer.slice(0, call.peer.lastIndexOf(":"))} ${problem}`;
    if (this.#mentioned.has(key) || this.#mentioned.size >= MAX_REMEMBERED) return;
    this.#mentioned.set(key, now);
    this.#logger?.warn(call, `refused: ${problem}`);
  }
}
