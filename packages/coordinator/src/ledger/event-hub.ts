import type { Clock } from "@gumshoe/core";
import { FINAL_EVENTS, type WatchedEvent } from "@gumshoe/protocol";

/** Events by which a watcher may lag before transient ones are dropped for it. */
const MAX_TRANSIENT_LAG = 64;

/** Most events yielded together: they become one message. */
const MAX_GATHERED = 64;

/** How events are delivered to a watcher. */
export interface GatherOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  readonly gatherMs: number;
  readonly clock: Clock;
}

interface Watcher {
  readonly queue: WatchedEvent[];
  wake: () => void;
}

/**
 * Keeps a run's events in memory and streams them to any number of watchers, each at its own pace.
 */
export class EventHub {
  readonly #events: WatchedEvent[];
  /** Whether the run has ended, according to its stored events. */
  #isEnded = false;
  readonly #watchers = new Set<Watcher>();
  readonly #listeners = new Set<(event: WatchedEvent) => void>();
  /** A final event that could not be stored; the next stored event supersedes it. */
  #unstoredEnd: WatchedEvent | null = null;
  /** Gather periods in progress, by their length in ms. */
  readonly #gatherings = new Map<number, { done: Promise<unknown>; enough: AbortController }>();

  constructor(events: readonly WatchedEvent[]) {
    this.#events = [...events];
    for (const event of events) this.#note(event);
  }

  get lastNumber(): number {
    return this.#events.length;
  }

  /** Returns the stored event of a number, from 1. */
  at(number: number): WatchedEvent | undefined {
    return this.#events[number - 1];
  }

  /** Calls back with every event that is published from now on; returns a function that ends this. */
  subscribe(listener: (event: WatchedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Publishes an event; events with a number are kept. */
  publish(event: WatchedEvent): void {
    if (event.number > 0) {
      this.#events.push(event);
      this.#note(event);
      this.#unstoredEnd = null;
    } else if (FINAL_EVENTS.includes(event.body.type)) {
      this.#unstoredEnd = event;
    }
    for (const listener of this.#listeners) listener(event);
    for (const watcher of this.#watchers) {
      if (event.number === 0 && watcher.queue.length > MAX_TRANSIENT_LAG) continue;
      watcher.queue.push(event);
      watcher.wake();
    }
    if (!this.#hasEnded()) return;
    for (const { enough } of this.#gatherings.values()) enough.abort();
  }

  /**
   * Yields the events from a number on, past ones first, until a final event without a successor.
   * Ends at once if the run ended before that number.
   *
   * @param from             first event wanted, from 1; 0 for all
   * @param options.gatherMs  how long new events are gathered into one batch; 0 for not at all
   */
  async *watch(from: number, options: GatherOptions): AsyncGenerator<readonly WatchedEvent[]> {
    const { signal } = options;
    const watcher: Watcher = { queue: [], wake: () => undefined };
    this.#watchers.add(watcher);
    const onAbort = () => watcher.wake();
    signal.addEventListener("abort", onAbort);
    const most = options.gatherMs > 0 ? MAX_GATHERED : 1;
    try {
      let sent = Math.max(0, from - 1);
      for (;;) {
        if (sent >= this.#events.length && this.#hasEnded()) {
          if (this.#unstoredEnd !== null) yield [this.#unstoredEnd];
          return;
        }
        // Events published while these are sent are gathered into the next batch.
        const stop = this.#events.length;
        while (sent < stop) {
          const events = this.#events.slice(sent, Math.min(stop, sent + most));
          sent += events.length;
          yield events;
          if (sent === this.#events.length && this.#hasEnded() && this.#unstoredEnd === null)
            return;
        }
        if (this.#unstoredEnd !== null) continue;
        const transient = watcher.queue.splice(0).filter(({ number }) => number === 0);
        for (let i = 0; i < transient.length; i += most) yield transient.slice(i, i + most);
        if (signal.aborted) return;
        if (watcher.queue.length === 0 && this.#events.length <= sent) {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
        }
        await this.#gather(options);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#watchers.delete(watcher);
    }
  }

  /**
   * Waits for further events; all watchers with the same period share one timer. Returns at once
   * after the last event.
   */
  async #gather({ signal, gatherMs, clock }: GatherOptions): Promise<void> {
    if (gatherMs === 0 || signal.aborted || this.#hasEnded()) return;
    let gathering = this.#gatherings.get(gatherMs);
    if (gathering === undefined) {
      const enough = new AbortController();
      const done = clock.sleep(gatherMs, enough.signal).then(
        () => this.#gatherings.delete(gatherMs),
        () => this.#gatherings.delete(gatherMs),
      );
      gathering = { done, enough };
      this.#gatherings.set(gatherMs, gathering);
    }
    await gathering.done;
  }

  #hasEnded(): boolean {
    return this.#unstoredEnd !== null || this.#isEnded;
  }

  /** A run that is submitted or resumed continues after its final event. */
  #note({ body: { type } }: WatchedEvent): void {
    if (FINAL_EVENTS.includes(type)) this.#isEnded = true;
    else if (type === "run-submitted" || type === "run-resumed") this.#isEnded = false;
  }
}
