/**
 * Watches how long the event loop of this process stands still: leases, heartbeats and users wait then.
 *
 * - A time is the one between two turns that a timer could have, its own interval included: what is told
 *   is never less than what was.
 * - It grows with blocking code, with pauses for the garbage collector, and when the machine gives the
 *   processor to others.
 */
import {
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
} from "node:perf_hooks";

import { type Logger } from "@gumshoe/core";
import { type CoordinatorStatus } from "@gumshoe/protocol";

/** Interval of the timer that is watched, in ms. */
const RESOLUTION_MS = 5;
const WINDOW_MS = 10_000;
/** Windows that are told: one minute, and the one in hand. */
const NUM_WINDOWS = 6;
/** Standing still for longer is worth a warning. */
const WARN_OVER_MS = 50;
const CHECK_EVERY_MS = 1000;
const NANOSECONDS_PER_MS = 1e6;

/** What one window of time came to, in ms. */
interface Window {
  readonly p99: number;
  readonly max: number;
  readonly gcMax: number;
}

/** Watches the event loop of this process. */
export class LoopWatch {
  readonly #logger: Logger;
  /** Of the window in hand. */
  readonly #window = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  /** Since the last check. */
  readonly #recent = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #collections: PerformanceObserver;
  #past: Window[] = [];
  #gcMax = 0;
  #recentGcMax = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: { logger: Logger }) {
    this.#logger = options.logger;
    this.#collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#gcMax = Math.max(this.#gcMax, duration);
        this.#recentGcMax = Math.max(this.#recentGcMax, duration);
      }
    });
  }

  start(): void {
    this.#collections.observe({ entryTypes: ["gc"] });
    this.#window.enable();
    this.#recent.enable();
    this.#timers = [
      setInterval(() => this.#endWindow(), WINDOW_MS),
      setInterval(() => this.#warn(), CHECK_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#collections.disconnect();
    this.#window.disable();
    this.#recent.disable();
  }

  /** Says how this process has been doing within the last minute. */
  status(): CoordinatorStatus {
    const windows = [...this.#past, this.#measure()];
    return {
      loopDelayP99Ms: Math.max(...windows.map(({ p99 }) => p99)),
      loopDelayMaxMs: Math.max(...windows.map(({ max }) => max)),
      gcPauseMaxMs: Math.max(...windows.map(({ gcMax }) => gcMax)),
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  #measure(): Window {
    const { p99, max } = delays(this.#window);
    return { p99, max, gcMax: this.#gcMax };
  }

  #endWindow(): void {
    this.#past = [...this.#past, this.#measure()].slice(-NUM_WINDOWS);
    this.#window.reset();
    this.#gcMax = 0;
  }

  #warn(): void {
    const { max } = delays(this.#recent);
    const gcPauseMs = Math.round(this.#recentGcMax);
    this.#recent.reset();
    this.#recentGcMax = 0;
    if (max <= WARN_OVER_MS) return;
    this.#logger.warn({ blockedMs: Math.round(max), gcPauseMs }, "the event loop stood still");
  }
}

/** Reads a histogram; one without a sample yet has no delay. */
function delays(histogram: IntervalHistogram): { p99: number; max: number } {
  if (histogram.count === 0) return { p99: 0, max: 0 };
  return {
    p99: histogram.percentile(99) / NANOSECONDS_PER_MS,
    max: histogram.max / NANOSECONDS_PER_MS,
  };
}
