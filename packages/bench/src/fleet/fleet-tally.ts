import { type WatchedEvent } from "@gumshoe/protocol";

/** Counts the groups in a run's ledger: each of them must be there exactly once. */
export class FleetTally {
  readonly #counts = new Map<string, number>();

  constructor(private readonly numWanted: number) {}

  /** Takes an event of the ledger in. */
  take({ body }: WatchedEvent): void {
    if (body.type !== "group-done") return;
    this.#counts.set(body.groupKey, (this.#counts.get(body.groupKey) ?? 0) + 1);
  }

  /** Groups that are in the ledger. */
  get numAccepted(): number {
    return this.#counts.size;
  }

  /** Groups that are not. */
  get numLost(): number {
    return this.numWanted - this.#counts.size;
  }

  /** Groups that are there more than once. */
  get numDoubled(): number {
    return [...this.#counts.values()].filter((count) => count > 1).length;
  }
}
