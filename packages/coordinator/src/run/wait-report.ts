import type { Clock, Logger } from "@gumshoe/core";

import type { Fleet } from "../fleet/fleet.js";
import type { RunRecord } from "./run-record.js";

/** Time without another failure, in ms, after which a wait is considered over. */
const WAIT_LINGERS_MS = 2000;

/** The parts that a report works with. */
export interface WaitReportOptions {
  readonly record: RunRecord;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is wrong with Redis, for people; null while it works. */
  readonly redisProblem: () => string | null;
  /** Knows what workers wait for with jobs of the run. */
  readonly fleet: Pick<Fleet, "waitingFor">;
  /** Called when a wait begins, or its cause changes. */
  readonly onWait: (note: string) => void;
}

/** What a run waits for, as it is reported in the log and to watchers. */
export class WaitReport {
  readonly #options: WaitReportOptions;
  #waitingFor: string | null = null;
  /**
   * Time, on the monotonic clock, when the present wait is considered over; null while its cause
   * persists.
   */
  #endsAtMs: number | null = null;
  #sinceEvent = 0;
  #reported: string | null = null;

  constructor(options: WaitReportOptions) {
    this.#options = options;
  }

  /** Describes what the run waits for; null while it makes progress. */
  get waitingFor(): string | null {
    const { redisProblem, fleet, record } = this.#options;
    return this.#waitingFor ?? redisProblem() ?? fleet.waitingFor(record.config.name);
  }

  /** Sets what the run waits for; null when its cause has ended. */
  set(note: string | null): void {
    const { clock, record } = this.#options;
    // Another attempt may fail at once for the same reason: that is still the same wait.
    this.#endsAtMs = note === null ? clock.monotonicMs() + WAIT_LINGERS_MS : null;
    if (note !== null) this.#waitingFor = note;
    this.#sinceEvent = record.events.lastNumber;
    this.report();
  }

  /** Reports the start and end of a wait, in the log and to watchers. */
  report(): void {
    const { clock, logger, record, onWait } = this.#options;
    const { lastNumber } = record.events;
    if (this.#endsAtMs !== null) {
      const goesOn = lastNumber > this.#sinceEvent;
      if (goesOn || clock.monotonicMs() >= this.#endsAtMs) {
        [this.#waitingFor, this.#endsAtMs] = [null, null];
      }
    }
    const note = this.waitingFor;
    // Ignore digits in the comparison: figures such as the free space change while the run waits.
    const kind = note?.replace(/\d+/g, "0") ?? null;
    if (kind === this.#reported) return;
    this.#reported = kind;
    const run = record.config.name;
    if (note === null) logger.info({ run }, "the run continues");
    else logger.warn({ run }, `the run waits: ${note}`);
    if (note !== null) onWait(note);
  }
}
