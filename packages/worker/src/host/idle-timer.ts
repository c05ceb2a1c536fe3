/** Calls a function once when nothing has happened for a while after work ended. */
export class IdleTimer {
  readonly #afterMs: number;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(afterMs: number, onIdle: () => void) {
    this.#afterMs = afterMs;
    this.#onIdle = onIdle;
  }

  /** Work ended: the while begins. */
  start(): void {
    this.stop();
    this.#timer = setTimeout(this.#onIdle, this.#afterMs);
    this.#timer.unref();
  }

  /** Work begins, or nothing is to be called any more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** After so long without work a worker gives back memory that the next work can have anew, in ms. */
export const IDLE_MS = 100;
