import type { Alarm } from "@gumshoe/api";
import { type Clock, errorMessage, type Logger } from "@gumshoe/core";

import type { RunRecord } from "../run/run-record.js";
import { findAlarms } from "./alarm-rules.js";

const CHECK_EVERY_MS = 2000;
/** Ended alarms that are remembered. */
const MAX_ENDED = 200;
/** Time for the webhook to answer, in ms. */
const WEBHOOK_WITHIN_MS = 5000;

/** What the watch needs. */
export interface AlarmWatchOptions {
  readonly runs: () => readonly RunRecord[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** URL that receives each alarm as JSON by POST, when it begins and when it ends; null for none. */
  readonly webhook: string | null;
}

/** Finds alarms of running runs, logs them, and sends them to a webhook. */
export class AlarmWatch {
  readonly #options: AlarmWatchOptions;
  readonly #active = new Map<string, Alarm>();
  readonly #ended: Alarm[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AlarmWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Active alarms of one run, or of all. */
  active(run: string | null = null): Alarm[] {
    return [...this.#active.values()].filter((alarm) => run === null || alarm.run === run);
  }

  /** All alarms, the newest first. */
  all(): Alarm[] {
    return [...this.active(), ...this.#ended].sort((a, b) => b.sinceMs - a.sinceMs);
  }

  /** Starts and ends alarms by the state of the runs. */
  check(): void {
    const { runs, clock } = this.#options;
    const now = clock.now();
    const firing = new Set<string>();
    for (const { config, state } of runs()) {
      const run = config.name;
      for (const finding of findAlarms(state, now)) {
        const key = `${run}/${finding.kind}`;
        firing.add(key);
        if (this.#active.has(key)) continue;
        const iteration = state.iterationsDone;
        const alarm = { run, ...finding, iteration, sinceMs: now, endedAtMs: null };
        this.#active.set(key, alarm);
        this.#report(alarm);
      }
    }
    for (const [key, alarm] of this.#active) {
      if (firing.has(key)) continue;
      this.#active.delete(key);
      const ended = { ...alarm, endedAtMs: now };
      this.#ended.unshift(ended);
      this.#ended.length = Math.min(this.#ended.length, MAX_ENDED);
      this.#report(ended);
    }
  }

  #report(alarm: Alarm): void {
    const { logger, webhook } = this.#options;
    const { run, kind, message, endedAtMs } = alarm;
    if (endedAtMs === null) logger.warn({ run, alarm: kind }, message);
    else logger.info({ run, alarm: kind }, "the alarm is over");
    if (webhook !== null) void this.#post(webhook, alarm);
  }

  async #post(webhook: string, alarm: Alarm): Promise<void> {
    try {
      const response = await fetch(webhook, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(alarm),
        redirect: "error",
        signal: AbortSignal.timeout(WEBHOOK_WITHIN_MS),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      // The URL may hold a secret: it is not logged.
      const { run, kind } = alarm;
      const problem = errorMessage(error);
      this.#options.logger.warn({ run, alarm: kind }, `the webhook of alarms failed: ${problem}`);
    }
  }
}
