import type { WatchedEvent } from "@gumshoe/protocol";

/** Counts the groups in a run's ledger: each must occur exactly once. */
export class FleetTally {
  readonly #counts = new Map<string, number>();

  constructor(private readonly numWanted: number) {}

  /** Counts an event of the ledger. */
  take({ body }: WatchedEvent): void {
    if (body.type !== "group-done") return;
    this.#counts.set(body.groupKey, (this.#counts.get(body.groupKey) ?? 0) + 1);
  }

  /** Number of groups in the ledger. */
  get numAccepted(): number {
    return this.#counts.size;
  }

  /** Number of groups that are missing. */
  get numLost(): number {
    return this.numWanted - this.#counts.size;
  }

  /** Number of groups that occur more than once. */
  get numDoubled(): number {
    return [...this.#counts.values()].filter((count) => count > 1).length;
  }
}
