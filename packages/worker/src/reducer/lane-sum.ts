import { OutOfOrderError } from "../errors.js";

/** Source of a lane's gradient. */
export interface LaneSource {
  /** Adds it to the sum from where it is stored; the first lane starts the sum. */
  add(isFirst: boolean): Promise<void>;
  /** Copies it, to be added later. */
  hold(): Promise<HeldLane>;
}

/** A lane that arrived before the ones that precede it. */
export interface HeldLane {
  add(isFirst: boolean): Promise<void>;
}

/**
 * The sum of one update's lanes, added in lane order as they arrive.
 *
 * A lane that arrives early waits a little for the lanes before it, which are probably being computed at the same
 * time. Then it is copied, so that its trainer can continue, perhaps with the missing lane.
 */
export class LaneSum {
  readonly #waitMs: number;
  /** Lanes that were added. */
  #numAdded = 0;
  readonly #coming = new Map<number, Promise<void>>();
  readonly #held = new Map<number, HeldLane>();
  /** Called when a lane was added. */
  readonly #waiting = new Set<() => void>();
  /** Resolves after the last addition that was started; only one runs at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param waitMs  how long a lane waits for the lanes before it until it is copied */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Adds a lane, unless it was added or is being added; resolves when its memory is no longer needed. */
  take(lane: number, source: LaneSource): Promise<void> {
    if (lane < this.#numAdded || this.#held.has(lane)) return Promise.resolve();
    let coming = this.#coming.get(lane);
    if (coming === undefined) {
      coming = this.#take(lane, source).finally(() => this.#coming.delete(lane));
      this.#coming.set(lane, coming);
    }
    return coming;
  }

  /** @throws OutOfOrderError naming the first missing lane */
  check(numLanes: number): void {
    if (this.#numAdded >= numLanes) return;
    throw new OutOfOrderError(`lane ${this.#numAdded} was not collected`);
  }

  async #take(lane: number, source: LaneSource): Promise<void> {
    if (lane > this.#numAdded) await this.#turnOf(lane);
    if (lane > this.#numAdded) {
      this.#held.set(lane, await source.hold());
      await this.#alone(() => this.#addHeld());
      return;
    }
    await this.#alone(async () => {
      await this.#add(source);
      await this.#addHeld();
    });
  }

  /** Adds copied lanes as long as the next one in order is there. */
  async #addHeld(): Promise<void> {
    for (let lane = this.#numAdded; ; lane = this.#numAdded) {
      const held = this.#held.get(lane);
      if (held === undefined) return;
      await this.#add(held);
      this.#held.delete(lane);
    }
  }

  /** Runs `work` after everything that was started before. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #add(lane: LaneSource | HeldLane): Promise<void> {
    await lane.add(this.#numAdded === 0);
    this.#numAdded += 1;
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when all lanes before this one are added, or after the waiting time. */
  #turnOf(lane: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#numAdded >= lane) end();
      };
      const timer = setTimeout(end, this.#waitMs);
      this.#waiting.add(look);
    });
  }
}
