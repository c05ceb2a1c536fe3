/** Time in each iteration of the event loop in which calls may begin, in ms. */
const SLICE_MS = 5;

/**
 * Begins calls in the order in which they came, a few milliseconds of them in each iteration of the event loop.
 *
 * A process that waited for a core finds the calls of a whole fleet at once: leases and timers would wait
 * for all of them.
 */
export class RequestScheduler {
  readonly #waiting: (() => void)[] = [];
  /** Null while no call has begun in this iteration. */
  #begunAtMs: number | null = null;

  /** Begins a call now, or in one of the next iterations. */
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
      // What the call can do at once counts, too.
      await Promise.resolve();
    }
    if (this.#waiting.length > 0) setImmediate(() => void this.#runSlice());
    else this.#begunAtMs = null;
  }

  #hasTime(): boolean {
    return this.#begunAtMs !== null && performance.now() - this.#begunAtMs < SLICE_MS;
  }
}
