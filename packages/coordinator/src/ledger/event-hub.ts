import { FINAL_EVENTS, type WatchedEvent } from "@gumshoe/protocol";

/** Events that a slow watcher may lag behind before transient ones are dropped for it. */
const MAX_TRANSIENT_LAG = 64;

interface Watcher {
  readonly queue: WatchedEvent[];
  wake: () => void;
}

/** Holds a run's events and sends them to any number of watchers, each at its own pace. */
export class EventHub {
  readonly #events: WatchedEvent[];
  readonly #watchers = new Set<Watcher>();

  constructor(events: readonly WatchedEvent[]) {
    this.#events = [...events];
  }

  get lastNumber(): number {
    return this.#events.length;
  }

  /** Publishes an event; numbered ones are kept. */
  publish(event: WatchedEvent): void {
    if (event.number > 0) this.#events.push(event);
    for (const watcher of this.#watchers) {
      if (event.number === 0 && watcher.queue.length > MAX_TRANSIENT_LAG) continue;
      watcher.queue.push(event);
      watcher.wake();
    }
  }

  /**
   * Yields the events from a number on, past ones first, until a final one that nothing follows. Ends
   * at once where the run has ended before that number.
   *
   * @param from  first event wanted, from 1; 0 for all
   */
  async *watch(from: number, signal: AbortSignal): AsyncGenerator<WatchedEvent> {
    const watcher: Watcher = { queue: [], wake: () => undefined };
    this.#watchers.add(watcher);
    const onAbort = () => watcher.wake();
    signal.addEventListener("abort", onAbort);
    try {
      let sent = Math.max(0, from - 1);
      for (;;) {
        if (sent >= this.#events.length && this.#hasEnded()) return;
        for (let event = this.#events[sent]; event !== undefined; event = this.#events[sent]) {
          sent += 1;
          yield event;
          if (sent === this.#events.length && this.#hasEnded()) return;
        }
        const transient = watcher.queue.splice(0).filter(({ number }) => number === 0);
        for (const event of transient) yield event;
        if (signal.aborted) return;
        if (watcher.queue.length === 0 && this.#events.length <= sent) {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#watchers.delete(watcher);
    }
  }

  /** A run that was taken up again goes on after its final event. */
  #hasEnded(): boolean {
    const last = this.#events.at(-1);
    return last !== undefined && FINAL_EVENTS.includes(last.body.type);
  }
}
