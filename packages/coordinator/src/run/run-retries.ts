import { backoffMs, type Clock, type ClusterError, errorMessage, type Logger } from "@gumshoe/core";

import { isReachable, type SourceAwayError } from "@gumshoe/environments";

import type { RunRecord } from "./run-record.js";
import { attemptFailure, remainingFault } from "./attempt-failure.js";

/**
 * An attempt that lasted this long, in ms, had a working plan and cluster: failures count from zero
 * again.
 */
const LASTING_MS = 10_000;
/**
 * Most immediate failures in a row, besides those of Redis and the disk: about half a minute of
 * retries.
 */
const MAX_FAILURES = 20;
const BACKOFF = { firstDelayMs: 100, maxDelayMs: 2000 };
const REDIS_DELAY_MS = 500;
const DISK_POLL_MS = 500;
const SOURCE_POLL_MS = 1000;
const SOURCE_DELAYS = { firstDelayMs: 200, maxDelayMs: 30_000 };

/** The parts that retries work with. */
export interface RetryOptions {
  readonly record: RunRecord;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves once Redis works. */
  readonly untilRedis: () => Promise<void>;
  readonly diskWaitMs: number;
  /** Called with a description of what is waited for; null once the wait is over. */
  readonly onWait: (note: string | null) => void;
}

/**
 * Waits until a failed attempt at a run can be repeated.
 *
 * - A wait for Redis has no limit: Redis holds nothing that the ledger does not have.
 * - A wait for a server of tasks has no limit either: the ledger keeps what was made of the tasks so far.
 * - A wait for a full disk or a missing folder is limited by the coordinator's settings, counted
 *   from the first failure since the ledger last grew.
 * - Other retryable errors are retried for about half a minute.
 */
export class RunRetries {
  readonly #options: RetryOptions;
  #failures = 0;
  #diskAwaySinceMs: number | null = null;
  #lastEvent = -1;
  #sourceFailures = 0;
  /** Number of the newest event when a server was found away. */
  #lastAwayAt = -1;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the next attempt should start.
   *
   * @param error        the error that ended the attempt
   * @param startedAtMs  start of the attempt, on the monotonic clock
   * @throws             the error that ends the run, or the signal's reason
   */
  async after(error: unknown, startedAtMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { record, clock, onWait, untilRedis } = this.#options;
    const end = await attemptFailure(error, record.folder);
    switch (end.type) {
      case "fatal":
        throw end.error;
      case "redis":
        onWait(errorMessage(end.error));
        await clock.sleep(REDIS_DELAY_MS, signal);
        await abortable(untilRedis(), signal);
        break;
      case "disk":
        onWait(end.error.message);
        await this.#untilDisk(end.error, signal);
        break;
      case "source":
        onWait(end.error.message);
        await this.#untilSource(end.error, signal);
        break;
      case "plan":
      case "retry":
        await this.#backOff(end.error, startedAtMs, signal);
        break;
      default:
        end satisfies never;
    }
    onWait(null);
  }

  async #untilDisk(first: ClusterError, signal: AbortSignal): Promise<void> {
    const { record, clock, diskWaitMs, onWait } = this.#options;
    if (this.#diskAwaySinceMs === null || record.events.lastNumber > this.#lastEvent) {
      this.#diskAwaySinceMs = clock.monotonicMs();
    }
    this.#lastEvent = record.events.lastNumber;
    for (let error: ClusterError | null = first; error !== null;) {
      if (clock.monotonicMs() - this.#diskAwaySinceMs >= diskWaitMs) throw error;
      onWait(error.message);
      await clock.sleep(Math.min(DISK_POLL_MS, diskWaitMs), signal);
      error = await remainingFault(first, record.folder);
    }
  }

  /** A server that answers but fails the next attempt, too, is asked less and less often. */
  async #untilSource({ url }: SourceAwayError, signal: AbortSignal): Promise<void> {
    const { record, clock } = this.#options;
    const goesOn = record.events.lastNumber > this.#lastAwayAt;
    this.#lastAwayAt = record.events.lastNumber;
    this.#sourceFailures = goesOn ? 1 : this.#sourceFailures + 1;
    await clock.sleep(backoffMs(SOURCE_DELAYS, this.#sourceFailures), signal);
    while (!(await isReachable(url, signal))) await clock.sleep(SOURCE_POLL_MS, signal);
  }

  async #backOff(error: unknown, startedAtMs: number, signal: AbortSignal): Promise<void> {
    const { record, clock, logger } = this.#options;
    const lasted = clock.monotonicMs() - startedAtMs > LASTING_MS;
    this.#failures = lasted ? 1 : this.#failures + 1;
    if (this.#failures > MAX_FAILURES) throw error;
    const { name } = record.config;
    logger.warn({ run: name, failures: this.#failures }, `${errorMessage(error)}: trying again`);
    await clock.sleep(backoffMs(BACKOFF, this.#failures), signal);
  }
}

/** Waits for a promise, or throws the signal's reason. */
async function abortable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => (onAbort = resolve));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    work.catch(() => undefined);
  }
  signal.throwIfAborted();
}
