import { type JobQueue } from "@gumshoe/queue";
import {
  type GroupSpec,
  parseGroupKey,
  type RolloutJob,
  type SubmitGroupRequest,
  type TensorSource,
} from "@gumshoe/protocol";
import { sha256 } from "@gumshoe/core";

import { ExactnessError, NotWantedError } from "../errors.js";
import { type GroupPlan } from "./group-specs.js";
import { type RunRecord } from "./run-record.js";
import { checkGroup, groupBytes, groupEvent } from "./stored-group.js";

/** The groups that are wanted now: what workers fetch, and where they hand in. */
export class SamplingBoard {
  readonly #record: RunRecord;
  readonly #queue: JobQueue<"rollout">;
  readonly #open = new Map<string, GroupPlan>();
  /** Groups that are on their way into the ledger. */
  readonly #arriving = new Map<string, { name: string; stored: Promise<void> }>();
  #sources: readonly TensorSource[] = [];
  #unscoredReason: string | null = null;
  #numWanted = 0;
  #settled: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(record: RunRecord, queue: JobQueue<"rollout">) {
    this.#record = record;
    this.#queue = queue;
  }

  /** Groups of the phase in hand, finished ones included. */
  get numWanted(): number {
    return this.#numWanted;
  }

  /** Why an answer could not be scored, the last time there was one; null for never. */
  get unscoredReason(): string | null {
    return this.#unscoredReason;
  }

  get numOpen(): number {
    return this.#open.size;
  }

  /** The jobs that should be in the queue. */
  get openJobs(): RolloutJob[] {
    return [...this.#open.keys()].map((groupKey) => ({
      run: this.#record.config.name,
      groupKey,
      kind: parseGroupKey(groupKey).kind,
    }));
  }

  /**
   * Wants groups, and waits until all of them are in the ledger. Groups that are there already are not
   * sampled again.
   */
  async collect(
    plans: readonly GroupPlan[],
    options: { sources: readonly TensorSource[]; signal: AbortSignal },
  ): Promise<void> {
    const { signal } = options;
    this.#sources = options.sources;
    this.#numWanted = plans.length;
    this.#open.clear();
    for (const plan of plans) {
      if (!this.#record.state.groups.has(plan.groupKey)) this.#open.set(plan.groupKey, plan);
    }
    if (this.#open.size === 0) return;
    const complete = new Promise<void>((resolve, reject) => {
      this.#settled = resolve;
      this.#failed = reject;
    });
    const onAbort = () => this.#failed(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.all([complete, this.#queue.addMany(this.openJobs)]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#queue.remove(this.openJobs).catch(() => undefined);
      this.#open.clear();
    }
  }

  /** @throws NotWantedError */
  fetch(groupKey: string): GroupSpec {
    const plan = this.#open.get(groupKey);
    if (plan === undefined) throw new NotWantedError(`group ${groupKey}`);
    return { ...plan, weightSources: [...this.#sources] };
  }

  /**
   * Takes a group from a worker. The first one counts; the same again is accepted; another is an error.
   *
   * @throws WrongGroupWeightsError, MalformedGroupError, ExactnessError, NotWantedError
   */
  async submit(request: SubmitGroupRequest): Promise<void> {
    const { groupKey } = request;
    const bytes = groupBytes(request);
    const name = sha256(bytes);
    const arriving = this.#arriving.get(groupKey);
    const known = arriving?.name ?? this.#record.state.groups.get(groupKey);
    if (known !== undefined) {
      if (known === name) return arriving?.stored;
      const problem = `group ${groupKey} was sampled twice, with different results`;
      const error = new ExactnessError(problem);
      this.#failed(error);
      throw error;
    }
    const plan = this.#open.get(groupKey);
    if (plan === undefined) throw new NotWantedError(`group ${groupKey}`);
    checkGroup(request, plan);
    const unscored = request.rollouts.find(({ reward }) => reward === undefined);
    if (unscored !== undefined) this.#unscoredReason = unscored.gradingError;
    const stored = this.#store(request, bytes);
    this.#arriving.set(groupKey, { name, stored });
    try {
      await stored;
    } finally {
      this.#arriving.delete(groupKey);
    }
    if (this.#open.delete(groupKey) && this.#open.size === 0) this.#settled();
  }

  async #store(request: SubmitGroupRequest, bytes: Uint8Array): Promise<void> {
    const blob = await this.#record.blobs.put(bytes);
    await this.#record.append(groupEvent(request, blob));
  }

  /** A job that nobody can do ends the run. */
  fail(error: unknown): void {
    this.#failed(error);
  }
}
