import { backoffMs, type Clock, type Logger } from "@gumshoe/core";
import { SourceAwayError } from "@gumshoe/environments";

const DELAYS = { firstDelayMs: 500, maxDelayMs: 5000 };

/** Dependencies of waits. */
export interface SourceWaitOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Waits for servers of tasks and grades that are away, for as long as they are. The job in hand stays with its worker, which
 * says in its heartbeats what it waits for.
 */
export class SourceWaits {
  readonly #options: SourceWaitOptions;
  /** Problems by job, in the order in which the waits began. */
  readonly #problems = new Map<string, string>();

  constructor(options: SourceWaitOptions) {
    this.#options = options;
  }

  /** What a job waits for, the longest wait first; empty for nothing. */
  get problem(): string {
    const [first = ""] = this.#problems.values();
    return first;
  }

  /**
   * Does work that may call a server, again and again while this is away.
   *
   * @param job   that the work belongs to
   * @param work  must be idempotent
   * @throws      the signal's reason; other errors of the work
   */
  async until<T>(job: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options;
    try {
      for (let failures = 1; ; failures++) {
        try {
          return await work();
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof SourceAwayError)) throw error;
          if (failures === 1) logger.warn({ job }, `the job waits: ${error.message}`);
          this.#problems.set(job, error.message);
          await clock.sleep(backoffMs(DELAYS, failures), signal);
        }
      }
    } finally {
      if (this.#problems.delete(job)) logger.info({ job }, "the wait of the job is over");
    }
  }
}
