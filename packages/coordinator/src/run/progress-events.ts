import type { RunEventOf } from "@gumshoe/protocol";

import type { GroupCollector } from "../sample/group-collector.js";
import type { RunRecord } from "./run-record.js";

type Progress = RunEventOf<"progress">;

/** Sends events that say what a run is at. */
export class ProgressEvents {
  readonly #record: RunRecord;
  readonly #sampling: Pick<GroupCollector, "numWanted" | "numOpen">;
  readonly #tokensPerSecond: () => number;
  #learning: Pick<Progress, "phase" | "done" | "total"> | null = null;

  constructor(
    record: RunRecord,
    sampling: Pick<GroupCollector, "numWanted" | "numOpen">,
    tokensPerSecond: () => number,
  ) {
    this.#record = record;
    this.#sampling = sampling;
    this.#tokensPerSecond = tokensPerSecond;
  }

  emit(phase: Progress["phase"], done: number, total: number, note?: string): void {
    this.#record.emit({
      type: "progress",
      phase,
      iteration: this.#record.state.iterationsDone,
      done,
      total,
      tokensPerSecond: this.#tokensPerSecond(),
      ...(note === undefined ? {} : { note }),
    });
  }

  /** Sends what learning is at, and what is sampled beside it. */
  learns(phase: Progress["phase"], done: number, total: number): void {
    this.#learning = { phase, done, total };
    const { numWanted, numOpen } = this.#sampling;
    const note = numOpen > 0 ? `sampling ahead ${numWanted - numOpen}/${numWanted}` : undefined;
    this.emit(phase, done, total, note);
  }

  /** Learning does not go on: what follows is sampling. */
  learnt(): void {
    this.#learning = null;
  }

  /** Sends what is waited for, or what sampling is at. */
  repeat(waitingFor: string | null): void {
    const { numWanted, numOpen } = this.#sampling;
    if (waitingFor !== null) this.emit("waiting", 0, 1, waitingFor);
    else if (numOpen === 0) return;
    else if (this.#learning === null) this.emit("sampling", numWanted - numOpen, numWanted);
    else this.learns(this.#learning.phase, this.#learning.done, this.#learning.total);
  }
}
