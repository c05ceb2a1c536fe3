/**
 * Ends a text before the first of some stop strings. Text that may be the beginning of one is held back until it is
 * known.
 */
export class StopCutter {
  readonly #stops: readonly string[];
  #held = "";
  #isStopped = false;

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Whether a stop string was found: nothing more is written then. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Adds text; returns what is certainly before every stop string. */
  push(text: string): string {
    if (this.#isStopped) return "";
    const all = this.#held + text;
    const found = this.#stops.map((stop) => all.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#isStopped = true;
      this.#held = "";
      return all.slice(0, Math.min(...found));
    }
    const numHeld = Math.max(0, ...this.#stops.map((stop) => overlap(all, stop)));
    this.#held = all.slice(all.length - numHeld);
    return all.slice(0, all.length - numHeld);
  }

  /** Returns what was held back, at the end of the answer. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

/** Length of the longest end of a text that is the beginning of a stop string, and not all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
