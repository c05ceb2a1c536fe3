import { backoffMs, type Clock, errorMessage, type Logger } from "@gumshoe/core";

import type { Monitor, MonitoredRun } from "../monitor.js";
import { Feed } from "./feed.js";
import { readPosition } from "./position-file.js";
import { within } from "./within.js";

const CHECK_EVERY_MS = 1000;
/** Between attempts to reach a monitor that is away. */
const DELAYS = { firstDelayMs: 2000, maxDelayMs: 60_000 };
/** Time for the last points when the coordinator stops, in ms: the rest is sent after its next start. */
const LAST_WITHIN_MS = 2000;

/** What the feeds need. */
export interface FeedsOptions {
  readonly monitors: readonly Monitor[];
  /** The runs that there are; each is the same object whenever it is listed. */
  readonly runs: () => readonly MonitoredRun[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A feed, and when it is next tried. */
class Attempts {
  readonly feed: Feed;
  /** The attempt in progress. */
  current: Promise<void> | null = null;
  failures = 0;
  notBeforeMs = 0;
  isOver = false;
  /** Whether the run was seen before its end. */
  wasSeen = false;

  constructor(feed: Feed) {
    this.feed = feed;
  }

  /** Notes that the run has not ended, or goes on. */
  sawActive(): void {
    this.isOver = false;
    this.wasSeen = true;
  }
}

/**
 * Keeps every monitor supplied with every run. Nothing waits for it: a monitor that is away is tried again,
 * with growing delays, and gets what it missed.
 *
 * A run that had ended before its coordinator had the monitor is not sent.
 */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #known = new Map<MonitoredRun, Attempts[]>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.monitors.length === 0) return;
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS).unref();
  }

  /** Sends what is due. */
  check(): void {
    const { monitors, clock } = this.#options;
    const runs = new Set(this.#options.runs());
    for (const run of runs) {
      if (this.#known.has(run)) continue;
      this.#known.set(
        run,
        monitors.map((monitor) => new Attempts(new Feed(run, monitor))),
      );
    }
    const nowMs = clock.monotonicMs();
    for (const [run, feeds] of this.#known) {
      if (!runs.has(run)) this.#forget(run, feeds);
      for (const one of feeds) {
        if (run.outcome === null) one.sawActive();
        if (one.current === null && !one.isOver && nowMs >= one.notBeforeMs) this.#try(one);
      }
    }
  }

  /** Sends the last points, within two seconds, and closes everything. */
  async stop(): Promise<void> {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    const all = [...this.#known.values()].flat();
    const last = all.map(async (one) => {
      await one.current;
      // A monitor that is away is not waited for.
      if (!one.isOver && one.failures === 0) await this.#attempt(one);
    });
    await within(LAST_WITHIN_MS, Promise.all(last)).catch(() => undefined);
    for (const { feed } of all) feed.close();
  }

  #forget(run: MonitoredRun, feeds: readonly Attempts[]): void {
    this.#known.delete(run);
    for (const one of feeds) {
      one.isOver = true;
      one.feed.close();
    }
  }

  #try(one: Attempts): void {
    one.current = this.#attempt(one).finally(() => (one.current = null));
  }

  async #attempt(one: Attempts): Promise<void> {
    const { clock, logger } = this.#options;
    const { run, monitor } = one.feed;
    const context = { run: run.name, monitor: monitor.name };
    try {
      const isUnknown = !one.wasSeen && (await isNeverSent(run, monitor));
      one.isOver = isUnknown || (await one.feed.catchUp());
      if (one.failures > 0) logger.info(context, "the monitor is back");
      one.failures = 0;
    } catch (error) {
      one.failures += 1;
      one.notBeforeMs = clock.monotonicMs() + backoffMs(DELAYS, one.failures);
      const later = "the run goes on, and what the monitor misses is sent later";
      if (one.failures === 1) logger.warn(context, `${errorMessage(error)}; ${later}`);
    }
  }
}

async function isNeverSent({ folder }: MonitoredRun, { name }: Monitor): Promise<boolean> {
  return (await readPosition(folder, name)) === null;
}
