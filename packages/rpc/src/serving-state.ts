/**
 * The serving status of a server, as its health check reports it; watchers receive every change.
 */
export class ServingState {
  readonly #listeners = new Set<() => void>();
  #isServing = true;

  get isServing(): boolean {
    return this.#isServing;
  }

  set isServing(isServing: boolean) {
    if (isServing === this.#isServing) return;
    this.#isServing = isServing;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Waits for the next change, or for the signal. */
  async change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const listener = () => {
        this.#listeners.delete(listener);
        signal.removeEventListener("abort", listener);
        resolve();
      };
      this.#listeners.add(listener);
      signal.addEventListener("abort", listener);
    });
  }
}
