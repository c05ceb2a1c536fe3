/**
 * Shares one sync among all who need it at the same time: a sync counts for those who asked before it
 * began.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  /** Not begun yet: who asks now still counts. */
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
    // Who asked for that one hears of its failure.
    await this.#running.catch(() => undefined);
    this.#running = this.#next ?? this.#running;
    this.#next = null;
    await this.#sync();
  }
}
