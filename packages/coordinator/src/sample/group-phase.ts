import { TimeSlice } from "@gumshoe/core";
import { parseGroupKey, type RolloutJob, type TensorSource } from "@gumshoe/protocol";

import type { GroupPlan } from "../plan/group-planner.js";
import type { Weights } from "../run/run-state.js";

/** Groups that are collected together, from one weight version. */
export class GroupPhase {
  readonly weights: Weights;
  readonly sources: readonly TensorSource[];
  /** All its groups, finished ones included. */
  readonly plans: ReadonlyMap<string, GroupPlan>;
  readonly #open = new Map<string, RolloutJob>();
  /** Whether the open jobs are still being added to the queue. */
  isFilling = false;
  isRunning = true;
  #settled: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(
    plans: readonly GroupPlan[],
    { weights, sources }: { weights: Weights; sources: readonly TensorSource[] },
  ) {
    this.weights = weights;
    this.sources = sources;
    this.plans = new Map(plans.map((plan) => [plan.groupKey, plan]));
  }

  /** Opens the jobs of a run's groups that are not done. */
  async open(run: string, isDone: (groupKey: string) => boolean): Promise<void> {
    const slice = new TimeSlice();
    for (const groupKey of this.plans.keys()) {
      await slice.yieldWhenOver();
      if (isDone(groupKey)) continue;
      this.#open.set(groupKey, { run, groupKey, kind: parseGroupKey(groupKey).kind });
    }
  }

  /** Resolves when all open groups are closed. @throws what `fail` is called with */
  complete(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settled = resolve;
      this.#failed = reject;
    });
  }

  /** The open jobs. */
  get jobs(): RolloutJob[] {
    return [...this.#open.values()];
  }

  get numOpen(): number {
    return this.#open.size;
  }

  isOpen(groupKey: string): boolean {
    return this.#open.has(groupKey);
  }

  /** Closes a group: it is in the ledger. */
  close(groupKey: string): void {
    if (this.#open.delete(groupKey) && this.#open.size === 0) this.#settled();
  }

  fail(error: unknown): void {
    this.#failed(error);
  }

  /** Closes all groups that are open, and returns their jobs. */
  end(): RolloutJob[] {
    const { jobs } = this;
    this.#open.clear();
    this.isRunning = false;
    return jobs;
  }
}
