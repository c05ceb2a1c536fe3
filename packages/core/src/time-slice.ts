/** Time for which a long computation may have the thread before it yields to the event loop, in ms. */
const SLICE_MS = 5;

/**
 * Cuts a long computation into time slices: leases, heartbeats and calls wait for no longer than one slice
 * and one step.
 */
export class TimeSlice {
  #startedAtMs = performance.now();

  /** Called between two steps: yields to the event loop when the slice is over, and starts the next one. */
  async yieldWhenOver(): Promise<void> {
    if (performance.now() - this.#startedAtMs < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedAtMs = performance.now();
  }
}
