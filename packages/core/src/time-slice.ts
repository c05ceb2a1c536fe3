/** Time for which a long piece of work may have the thread before others get their turn, in ms. */
const TURN_MS = 5;

/**
 * Cuts a long piece of work into turns: leases, heartbeats and calls wait for no longer than one turn
 * and one step.
 */
export class Turns {
  #begunAtMs = performance.now();

  /** Called between two steps: when this turn is over, lets all go first who wait for the thread. */
  async next(): Promise<void> {
    if (performance.now() - this.#begunAtMs < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#begunAtMs = performance.now();
  }
}

/** Does a computation that yields after every step, turn by turn; returns what it came to. */
export async function yielding<T>(steps: Iterator<unknown, T>): Promise<T> {
  const turns = new Turns();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await turns.next();
  }
}
