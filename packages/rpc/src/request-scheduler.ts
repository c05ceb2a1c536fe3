/** Time per event-loop iteration in which calls may begin, in ms. */
const SLICE_MS = 5;

/**
 * Begins calls in order of arrival, a few milliseconds' worth per event-loop iteration.
 *
 * After a pause, a process receives the calls of a whole fleet at once: without a limit, leases and
 * timers would wait for all of them.
 */
export class RequestScheduler {
  readonly #waiting: (() => void)[] = [];
  /** Start of the slice; null while no call has begun in this iteration. */
  #begunAtMs: number | null = null;

  /** Begins a call now, or in a later iteration. */
  begin(call: () => void): void {
    if (this.#begunAtMs === null) {
      this.#begunAtMs = performance.now();
      setImmediate(() => void this.#runSlice());
    }
    if (this.#waiting.length === 0 && this.#hasTime()) call();
    else this.#waiting.push(call);
  }

  async #runSlice(): Promise<void> {
    this.#begunAtMs = performance.now();
    while (this.#waiting.length > 0 && this.#hasTime()) {
      this.#waiting.shift()?.();
      // Run the call's first microtasks, so that their time counts towards the slice.
      await Promise.resolve();
    }
    if (this.#waiting.length > 0) setImmediate(() => void this.#runSlice());
    else this.#begunAtMs = null;
  }

  #hasTime(): boolean {
    return this.#begunAtMs !== null && performance.now() - this.#begunAtMs < SLICE_MS;
  }
}
