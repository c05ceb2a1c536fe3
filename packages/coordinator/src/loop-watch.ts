/**
 * Watches how long the event loop of this process stands still: leases, heartbeats and users wait then.
 *
 * - A time is the one between two turns of a timer, its own interval included: what is told is never less
 *   than what was.
 * - It grows with blocking code, with pauses for the garbage collector, and when the machine gives the
 *   cores to others. Only the last is none of this process's doing, so it is told apart: a stop less the
 *   part of it for which this thread waited for a core is the time that the process kept its loop.
 */
import { createHistogram, PerformanceObserver } from "node:perf_hooks";

import { type Logger } from "@gumshoe/core";
import { type CoordinatorStatus } from "@gumshoe/protocol";

import { CoreWait } from "./core-wait.js";

/** Interval of the timer that is watched, in ms. */
const RESOLUTION_MS = 5;
const WINDOW_MS = 10_000;
/** Windows that are told: one minute, and the one in hand. */
const NUM_WINDOWS = 6;
/** Standing still for longer is worth a warning. */
const WARN_OVER_MS = 50;
const CHECK_EVERY_MS = 1000;
const MICROSECONDS_PER_MS = 1000;

/** What one stretch of time came to, in ms. */
interface Window {
  readonly p99: number;
  readonly max: number;
  readonly blockedMax: number;
  readonly gcMax: number;
}

/** Watches the event loop of this process. */
export class LoopWatch {
  readonly #logger: Logger;
  readonly #coreWait: Pick<CoreWait, "readMs" | "close">;
  /** The window in hand. */
  readonly #window = new Stretch();
  /** Since the last check. */
  readonly #recent = new Stretch();
  readonly #collections: PerformanceObserver;
  #past: Window[] = [];
  #turnAtMs = 0;
  #waitedMs = 0;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: { logger: Logger; coreWait?: Pick<CoreWait, "readMs" | "close"> }) {
    this.#logger = options.logger;
    this.#coreWait = options.coreWait ?? new CoreWait();
    this.#collections = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.#window.takeCollection(duration);
        this.#recent.takeCollection(duration);
      }
    });
  }

  start(): void {
    this.#collections.observe({ entryTypes: ["gc"] });
    this.#turnAtMs = performance.now();
    this.#waitedMs = this.#coreWait.readMs();
    this.#timers = [
      setInterval(() => this.#takeTurn(), RESOLUTION_MS),
      setInterval(() => this.#endWindow(), WINDOW_MS),
      setInterval(() => this.#warn(), CHECK_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#collections.disconnect();
    this.#coreWait.close();
  }

  /** Says how this process has been doing within the last minute. */
  status(): CoordinatorStatus {
    const windows = [...this.#past, this.#window.measure()];
    return {
      loopDelayP99Ms: Math.max(...windows.map(({ p99 }) => p99)),
      loopDelayMaxMs: Math.max(...windows.map(({ max }) => max)),
      loopBlockedMaxMs: Math.max(...windows.map(({ blockedMax }) => blockedMax)),
      gcPauseMaxMs: Math.max(...windows.map(({ gcMax }) => gcMax)),
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  #takeTurn(): void {
    const now = performance.now();
    const waitedMs = this.#coreWait.readMs();
    const delayMs = now - this.#turnAtMs;
    const blockedMs = Math.max(0, delayMs - (waitedMs - this.#waitedMs));
    this.#window.takeTurn(delayMs, blockedMs);
    this.#recent.takeTurn(delayMs, blockedMs);
    this.#turnAtMs = now;
    this.#waitedMs = waitedMs;
  }

  #endWindow(): void {
    this.#past = [...this.#past, this.#window.measure()].slice(-NUM_WINDOWS);
    this.#window.reset();
  }

  #warn(): void {
    const { max, blockedMax, gcMax } = this.#recent.measure();
    this.#recent.reset();
    if (max <= WARN_OVER_MS) return;
    this.#logger.warn(
      {
        stoppedMs: Math.round(max),
        blockedMs: Math.round(blockedMax),
        gcPauseMs: Math.round(gcMax),
      },
      "the event loop stood still",
    );
  }
}

/** The turns of some stretch of time. */
class Stretch {
  readonly #delays = createHistogram();
  #maxMs = 0;
  #blockedMaxMs = 0;
  #gcMaxMs = 0;

  takeTurn(delayMs: number, blockedMs: number): void {
    this.#delays.record(Math.max(1, Math.round(delayMs * MICROSECONDS_PER_MS)));
    this.#maxMs = Math.max(this.#maxMs, delayMs);
    this.#blockedMaxMs = Math.max(this.#blockedMaxMs, blockedMs);
  }

  takeCollection(pauseMs: number): void {
    this.#gcMaxMs = Math.max(this.#gcMaxMs, pauseMs);
  }

  measure(): Window {
    return {
      // A histogram without a turn yet has a strange opinion.
      p99: this.#maxMs === 0 ? 0 : this.#delays.percentile(99) / MICROSECONDS_PER_MS,
      max: this.#maxMs,
      blockedMax: this.#blockedMaxMs,
      gcMax: this.#gcMaxMs,
    };
  }

  reset(): void {
    this.#delays.reset();
    this.#maxMs = 0;
    this.#blockedMaxMs = 0;
    this.#gcMaxMs = 0;
  }
}
