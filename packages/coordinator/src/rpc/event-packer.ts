import { type RunEvent, toRunEvent, type WatchedEvent } from "@gumshoe/protocol";

/**
 * Packs batches of events into messages: consecutive watchers of the same batch share one message.
 */
export class EventPacker {
  #events: readonly WatchedEvent[] = [];
  #message: RunEvent | null = null;

  /** Returns the message; null for an empty batch. */
  pack(events: readonly WatchedEvent[]): RunEvent | null {
    const [first, ...later] = events;
    if (first === undefined) return null;
    if (this.#message === null || !isSame(this.#events, events)) {
      this.#events = events;
      this.#message = toRunEvent(first, later);
    }
    return this.#message;
  }
}

function isSame(a: readonly WatchedEvent[], b: readonly WatchedEvent[]): boolean {
  return a.length === b.length && a.every((event, i) => event === b[i]);
}
