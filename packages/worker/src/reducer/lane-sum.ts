import { OutOfOrderError } from "../errors.js";

/** Where a lane's gradient comes from. */
export interface LaneSource {
  /** Adds it to the sum from where it lies; the first lane begins the sum. */
  add(isFirst: boolean): Promise<void>;
  /** Copies it, to be added later. */
  hold(): Promise<HeldLane>;
}

/** A lane that came before its turn. */
export interface HeldLane {
  add(isFirst: boolean): Promise<void>;
}

/**
 * The sum of one update's lanes, which are added in lane order as they come.
 *
 * A lane that comes before its turn waits a little for the ones before it, since they are most likely being
 * computed beside it. After that it is copied, so that its trainer can go on: with the lane that is missing,
 * perhaps.
 */
export class LaneSum {
  readonly #waitMs: number;
  /** Lanes that were added. */
  #numAdded = 0;
  readonly #coming = new Map<number, Promise<void>>();
  readonly #held = new Map<number, HeldLane>();
  /** Called when a lane was added. */
  readonly #waiting = new Set<() => void>();
  /** Ends with the last addition that was begun: there is one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param waitMs  how long a lane waits for its turn before it is copied */
  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Takes a lane, unless it was taken or is being taken; resolves when its memory is not needed any more. */
  take(lane: number, source: LaneSource): Promise<void> {
    if (lane < this.#numAdded || this.#held.has(lane)) return Promise.resolve();
    let coming = this.#coming.get(lane);
    if (coming === undefined) {
      coming = this.#take(lane, source).finally(() => this.#coming.delete(lane));
      this.#coming.set(lane, coming);
    }
    return coming;
  }

  /** @throws OutOfOrderError naming the first lane that is missing */
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

  /** Adds held lanes as far as it is their turn. */
  async #addHeld(): Promise<void> {
    for (let lane = this.#numAdded; ; lane = this.#numAdded) {
      const held = this.#held.get(lane);
      if (held === undefined) return;
      await this.#add(held);
      this.#held.delete(lane);
    }
  }

  /** Runs `work` when all that was begun before has ended. */
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

  /** Resolves when it is a lane's turn, or when it has waited for long enough. */
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
