import { type Clock, type Logger } from "@gumshoe/core";

/** A caller that is refused for the same reason again is mentioned at most this often. */
const EVERY_MS = 60_000;
/** Refusals that are remembered: strangers with many addresses or names do not fill the memory, or the log. */
const MAX_REMEMBERED = 1000;

/** Tells of refused callers: one line for each and each reason, however often it tries. */
export class RefusalLog {
  readonly #logger: Logger | null;
  readonly #clock: Clock;
  /** When a caller was mentioned, by its host and the reason; the oldest first. */
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
