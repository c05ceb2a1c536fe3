/**
 * Shares one sync among concurrent callers. A sync covers the writes of callers that arrived before
 * it began.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  /** The next sync, not begun yet: callers that arrive now can still join it. */
  #next: Promise<void> | null = null;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Waits for a sync that begins after this call. */
  done(): Promise<void> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  async #afterRunning(): Promise<void> {
    // Callers of the running sync receive its failure themselves.
    await this.#running.catch(() => undefined);
    this.#running = this.#next ?? this.#running;
    this.#next = null;
    await this.#sync();
  }
}
