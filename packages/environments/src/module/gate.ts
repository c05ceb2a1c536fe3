/** A readers-writer lock that prefers writers: many may enter together, or one alone. */
export class Gate {
  #numInside = 0;
  #isAlone = false;
  readonly #waitingAlone: (() => void)[] = [];
  readonly #waiting: (() => void)[] = [];

  /** Waits until it may enter; returns the function that leaves. */
  async enter(alone: boolean): Promise<() => void> {
    const isFree = alone
      ? this.#numInside === 0
      : !this.#isAlone && this.#waitingAlone.length === 0;
    if (isFree) this.#admit(alone);
    else {
      const queue = alone ? this.#waitingAlone : this.#waiting;
      await new Promise<void>((resolve) => queue.push(resolve));
    }
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#leave();
    };
  }

  #admit(alone: boolean): void {
    this.#numInside += 1;
    this.#isAlone = alone;
  }

  #leave(): void {
    this.#numInside -= 1;
    this.#isAlone = false;
    if (this.#numInside > 0) return;
    const next = this.#waitingAlone.shift();
    if (next !== undefined) {
      this.#admit(true);
      next();
      return;
    }
    for (const enter of this.#waiting.splice(0)) {
      this.#admit(false);
      enter();
    }
  }
}
