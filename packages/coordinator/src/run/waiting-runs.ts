import type { RunRecord } from "./run-record.js";
import { compareWaiting } from "./scheduling.js";

/** The runs that wait for the workers. */
export class WaitingRuns {
  readonly #records = new Map<string, RunRecord>();

  add(record: RunRecord): void {
    this.#records.set(record.config.name, record);
  }

  /** Returns whether the run was waiting. */
  delete({ config }: RunRecord): boolean {
    return this.#records.delete(config.name);
  }

  /** The run that is scheduled next; null when none waits. */
  get next(): RunRecord | null {
    return this.#inOrder()[0] ?? null;
  }

  /** Returns the names of the runs that come before a waiting one; null when it does not wait. */
  before(name: string): string[] | null {
    const names = this.#inOrder().map(({ config }) => config.name);
    const place = names.indexOf(name);
    return place === -1 ? null : names.slice(0, place);
  }

  #inOrder(): RunRecord[] {
    return [...this.#records.values()].sort((a, b) => compareWaiting(a.state, b.state));
  }
}
