/**
 * Watches how long the event loop of this process stands still: leases, heartbeats and users wait then.
 *
 * - A time is the one between two turns of a timer, its own interval included: what is told is never less
 *   than what was.
 * - It grows with blocking code, with pauses for the garbage collector, and when the machine gives the
 *   cores to others. Only the last is none of this process's doing, so it is told apart, twice: the stop
 *   less the part of it for which this thread waited for a core, and the time that it was on a core. The
 *   former also has waits for a disk, and what a hypervisor took; the latter has neither.
 */
import { createHistogram, PerformanceObserver } from "node:perf_hooks";

import { type Logger } from "@gumshoe/core";
import { type CoordinatorStatus } from "@gumshoe/protocol";

import { CoreTime, type CoreTimes } from "./core-time.js";

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
  readonly busyMax: number;
  readonly gcMax: number;
}

/** One turn of the loop, in ms. */
interface Turn {
  readonly delayMs: number;
  /** Without the wait for a core. */
  readonly blockedMs: number;
  /** On a core. */
  readonly busyMs: number;
}

type Cores = Pick<CoreTime, "read" | "close">;

/** Watches the event loop of this process. */
export class LoopWatch {
  readonly #logger: Logger;
  readonly #cores: Cores;
  /** The window in hand. */
  readonly #window = new Stretch();
  /** Since the last check. */
  readonly #recent = new Stretch();
  readonly #collections: PerformanceObserver;
  #past: Window[] = [];
  #turnAtMs = 0;
  #times: CoreTimes | null = null;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: { logger: Logger; cores?: Cores }) {
    this.#logger = options.logger;
    this.#cores = options.cores ?? new CoreTime();
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
    this.#times = this.#cores.read();
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
    this.#cores.close();
  }

  /** Says how this process has been doing within the last minute. */
  status(): CoordinatorStatus {
    const windows = [...this.#past, this.#window.measure()];
    return {
      loopDelayP99Ms: Math.max(...windows.map(({ p99 }) => p99)),
      loopDelayMaxMs: Math.max(...windows.map(({ max }) => max)),
      loopBlockedMaxMs: Math.max(...windows.map(({ blockedMax }) => blockedMax)),
      loopBusyMaxMs: Math.max(...windows.map(({ busyMax }) => busyMax)),
      gcPauseMaxMs: Math.max(...windows.map(({ gcMax }) => gcMax)),
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  #takeTurn(): void {
    const now = performance.now();
    const times = this.#cores.read();
    const turn = turnOf(now - this.#turnAtMs, this.#times, times);
    this.#window.takeTurn(turn);
    this.#recent.takeTurn(turn);
    this.#turnAtMs = now;
    this.#times = times;
  }

  #endWindow(): void {
    this.#past = [...this.#past, this.#window.measure()].slice(-NUM_WINDOWS);
    this.#window.reset();
  }

  #warn(): void {
    const { max, blockedMax, busyMax, gcMax } = this.#recent.measure();
    this.#recent.reset();
    if (max <= WARN_OVER_MS) return;
    this.#logger.warn(
      {
        stoppedMs: Math.round(max),
        blockedMs: Math.round(blockedMax),
        busyMs: Math.round(busyMax),
        gcPauseMs: Math.round(gcMax),
      },
      "the event loop stood still",
    );
  }
}

/** A turn between two readings; all of it counts where the system does not tell. */
function turnOf(delayMs: number, before: CoreTimes | null, after: CoreTimes | null): Turn {
  if (before === null || after === null) return { delayMs, blockedMs: delayMs, busyMs: delayMs };
  return {
    delayMs,
    blockedMs: Math.max(0, delayMs - (after.waitedMs - before.waitedMs)),
    busyMs: after.ranMs - before.ranMs,
  };
}

/** The turns of some stretch of time. */
class Stretch {
  readonly #delays = createHistogram();
  #maxMs = 0;
  #blockedMaxMs = 0;
  #busyMaxMs = 0;
  #gcMaxMs = 0;

  takeTurn({ delayMs, blockedMs, busyMs }: Turn): void {
    this.#delays.record(Math.max(1, Math.round(delayMs * MICROSECONDS_PER_MS)));
    this.#maxMs = Math.max(this.#maxMs, delayMs);
    this.#blockedMaxMs = Math.max(this.#blockedMaxMs, blockedMs);
    this.#busyMaxMs = Math.max(this.#busyMaxMs, busyMs);
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
      busyMax: this.#busyMaxMs,
      gcMax: this.#gcMaxMs,
    };
  }

  reset(): void {
    this.#delays.reset();
    this.#maxMs = 0;
    this.#blockedMaxMs = 0;
    this.#busyMaxMs = 0;
    this.#gcMaxMs = 0;
  }
}
