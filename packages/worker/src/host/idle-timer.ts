/** Calls a function once, a fixed time after work ended, unless other work began. */
export class IdleTimer {
  readonly #afterMs: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(afterMs: number, onIdle: () => void) {
    this.#afterMs = afterMs;
    this.#onIdle = onIdle;
  }

  /** Call it when work ends: starts the countdown. */
  start(): void {
    this.stop();
    this.#timer = setTimeout(this.#onIdle, this.#afterMs);
    this.#timer.unref();
  }

  /** Call it when work begins, or to cancel. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Idle time after which a worker frees memory that the next job can allocate again, in ms. */
export const IDLE_MS = 100;
/** Size of the weights from which on it does so: for a small model, faulting the pages in again costs more. */
export const RELEASED_FROM_BYTES = 64 * 2 ** 20;
