/** Time after which a long computation yields to the event loop, in ms. */
const SLICE_MS = 5;

/**
 * Divides a long computation into time slices, so that leases, heartbeats and calls wait for at
 * most one slice and one step.
 */
export class TimeSlice {
  #startedAtMs = performance.now();

  /**
   * Call it between two steps: yields to the event loop when the slice is used up, and begins the
   * next one.
   */
  async yieldWhenOver(): Promise<void> {
    if (performance.now() - this.#startedAtMs < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedAtMs = performance.now();
  }
}
