import {
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
} from "node:perf_hooks";

import type { Logger } from "@gumshoe/core";
import type { CoordinatorStatus } from "@gumshoe/protocol";

/** Interval, in ms, of the histogram's timer; how late it fires is the delay. */
const RESOLUTION_MS = 10;
/** The status covers the current window and the one before it. */
const WINDOW_MS = 30_000;
const CHECK_EVERY_MS = 1000;
/** Leases, heartbeats and calls wait for the event loop: a longer delay is logged. */
const WARN_OVER_MS = 50;
const NANOSECONDS_PER_MS = 1e6;
const MICROSECONDS_PER_S = 1e6;

type Window = Pick<
  CoordinatorStatus,
  "eventLoopDelayP99Ms" | "eventLoopDelayMaxMs" | "gcPauseMaxMs"
>;

/**
 * Measures the event-loop delay of this process, and logs long delays.
 *
 * A delay is wall time: it includes this process's own code and garbage collection as well as the
 * time in which the operating system ran other processes on the core. The CPU time in the log line
 * tells these apart.
 */
export class EventLoopMonitor {
  readonly #logger: Logger;
  readonly #window = new DelayWindow();
  readonly #lastSecond = new DelayWindow();
  readonly #collections: PerformanceObserver;
  #previous: Window | null = null;
  #cpuSeconds = cpuSeconds();
  #timers: NodeJS.Timeout[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#window.takeCollection(duration);
        this.#lastSecond.takeCollection(duration);
      }
    });
  }

  start(): void {
    this.#collections.observe({ entryTypes: ["gc"] });
    this.#window.start();
    this.#lastSecond.start();
    this.#timers = [
      setInterval(() => (this.#previous = this.#window.end()), WINDOW_MS),
      setInterval(() => this.#check(), CHECK_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#collections.disconnect();
    this.#window.stop();
    this.#lastSecond.stop();
  }

  /** Returns the delays of the last 30 to 60 s, and the resources that the process has used. */
  status(): CoordinatorStatus {
    const window = this.#window.measure();
    const { eventLoopDelayP99Ms, eventLoopDelayMaxMs, gcPauseMaxMs } = this.#previous ?? window;
    return {
      eventLoopDelayP99Ms: Math.max(eventLoopDelayP99Ms, window.eventLoopDelayP99Ms),
      eventLoopDelayMaxMs: Math.max(eventLoopDelayMaxMs, window.eventLoopDelayMaxMs),
      gcPauseMaxMs: Math.max(gcPauseMaxMs, window.gcPauseMaxMs),
      memoryBytes: process.memoryUsage.rss(),
      cpuSeconds: cpuSeconds(),
    };
  }

  #check(): void {
    const { eventLoopDelayMaxMs, gcPauseMaxMs } = this.#lastSecond.end();
    const before = this.#cpuSeconds;
    this.#cpuSeconds = cpuSeconds();
    if (eventLoopDelayMaxMs <= WARN_OVER_MS) return;
    this.#logger.warn(
      {
        eventLoopDelayMs: Math.round(eventLoopDelayMaxMs),
        gcPauseMs: Math.round(gcPauseMaxMs),
        cpuMs: Math.round(1000 * (this.#cpuSeconds - before)),
      },
      "the event loop was delayed",
    );
  }
}

/** Event-loop delays and garbage collections since the last reset. */
class DelayWindow {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #gcPauseMaxMs = 0;

  start(): void {
    this.#delays.enable();
  }

  stop(): void {
    this.#delays.disable();
  }

  takeCollection(pauseMs: number): void {
    this.#gcPauseMaxMs = Math.max(this.#gcPauseMaxMs, pauseMs);
  }

  measure(): Window {
    return {
      eventLoopDelayP99Ms: toDelayMs(this.#delays.percentile(99)),
      eventLoopDelayMaxMs: toDelayMs(this.#delays.max),
      gcPauseMaxMs: this.#gcPauseMaxMs,
    };
  }

  /** Returns the window's measurements, and starts a new one. */
  end(): Window {
    const window = this.measure();
    this.#delays.reset();
    this.#gcPauseMaxMs = 0;
    return window;
  }
}

/**
 * Converts a sample of the histogram, the time between two firings of the timer, to the delay in
 * it.
 */
function toDelayMs(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS_PER_S;
}
