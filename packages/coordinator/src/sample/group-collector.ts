import { type JobQueue } from "@gumshoe/queue";
import {
  type GroupSpec,
  parseGroupKey,
  type RolloutJob,
  type SubmitGroupRequest,
  type TensorSource,
} from "@gumshoe/protocol";
import { sha256, TimeSlice } from "@gumshoe/core";

import { ExactnessError, NotExpectedError } from "../errors.js";
import { decoupledWeights } from "../learn/decoupled-weights.js";
import { checkGroup } from "./check-group.js";
import { type GroupPlan } from "../plan/group-planner.js";
import { type TaskPlan } from "../plan/task-plan.js";
import { runDigest } from "../submission/run-identity.js";
import { type RunRecord } from "../run/run-record.js";
import { type Weights } from "../run/run-state.js";
import { groupBytes, groupEvent, hasSameAnswers } from "./stored-group.js";

/** A group that is being written to the ledger. */
interface ArrivingGroup {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly stored: Promise<void>;
}

/** Hands out the groups that are currently needed to workers, and collects their results. */
export class GroupCollector {
  readonly #record: RunRecord;
  readonly #queue: JobQueue<"rollout">;
  readonly #open = new Map<string, { readonly plan: GroupPlan; readonly job: RolloutJob }>();
  /** Groups that are being written to the ledger. */
  readonly #arriving = new Map<string, ArrivingGroup>();
  /** All groups of the current phase, finished ones included. */
  #plans: ReadonlyMap<string, GroupPlan> = new Map();
  /** Number of tokens in the run's vocabulary. */
  #vocabulary = 0;
  /** Whether the groups of a kind are graded by a judge. */
  #judges: TaskPlan["judges"] = { train: false, validation: false, report: false };
  #weights: Weights = { version: 0, digest: "" };
  #sources: readonly TensorSource[] = [];
  #numWanted = 0;
  #digest: string | null = null;
  /** Whether the open jobs are still being added to the queue. */
  #isFilling = false;
  #settled: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(record: RunRecord, queue: JobQueue<"rollout">) {
    this.#record = record;
    this.#queue = queue;
  }

  /** Number of groups of the current phase, finished ones included. */
  get numWanted(): number {
    return this.#numWanted;
  }

  /** Sets the vocabulary size of the run's model, against which answers are validated. */
  set vocabulary(size: number) {
    this.#vocabulary = size;
  }

  /** Sets which kinds of groups a judge grades: their first grades count. */
  set judges(judges: TaskPlan["judges"]) {
    this.#judges = judges;
  }

  get numOpen(): number {
    return this.#open.size;
  }

  /** The jobs that should be in the queue; none while they are being added. */
  get openJobs(): RolloutJob[] {
    return this.#isFilling ? [] : this.#allOpen();
  }

  /** Returns whether a job should still be in the queue. */
  isOpen({ groupKey }: Pick<RolloutJob, "groupKey">): boolean {
    return this.#open.has(groupKey);
  }

  /**
   * Opens jobs for groups, and waits until all groups are in the ledger. Groups that are there
   * already are not sampled again.
   */
  async collect(
    plans: readonly GroupPlan[],
    options: { weights: Weights; sources: readonly TensorSource[]; signal: AbortSignal },
  ): Promise<void> {
    const { signal } = options;
    this.#weights = options.weights;
    this.#sources = options.sources;
    this.#numWanted = plans.length;
    this.#open.clear();
    this.#plans = new Map(plans.map((plan) => [plan.groupKey, plan]));
    const slice = new TimeSlice();
    for (const plan of plans) {
      await slice.yieldWhenOver();
      const { groupKey } = plan;
      if (this.#record.state.groups.has(groupKey)) continue;
      const { kind } = parseGroupKey(groupKey);
      this.#open.set(groupKey, { plan, job: { run: this.#record.config.name, groupKey, kind } });
    }
    if (this.#open.size === 0) return;
    const complete = new Promise<void>((resolve, reject) => {
      this.#settled = resolve;
      this.#failed = reject;
    });
    const onAbort = () => this.#failed(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const filling = this.#fill();
    try {
      await Promise.all([complete, filling]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      const abandoned = this.#allOpen();
      this.#open.clear();
      await filling.catch(() => undefined);
      await this.#queue.remove(abandoned).catch(() => undefined);
    }
  }

  #allOpen(): RolloutJob[] {
    return [...this.#open.values()].map(({ job }) => job);
  }

  async #fill(): Promise<void> {
    this.#isFilling = true;
    try {
      await this.#queue.addMany(this.#allOpen(), (job) => this.isOpen(job));
    } finally {
      this.#isFilling = false;
    }
  }

  /** Returns the task of a group of the current phase as JSON; null for any other group. */
  taskJson(groupKey: string): string | null {
    return this.#plans.get(groupKey)?.taskJson.toString() ?? null;
  }

  /** @throws NotExpectedError */
  fetch(groupKey: string): Omit<GroupSpec, "assetsDigest"> {
    const plan = this.#open.get(groupKey)?.plan;
    if (plan === undefined) throw new NotExpectedError(`group ${groupKey}`);
    const { contentHash: _contentHash, ...spec } = plan;
    return {
      ...spec,
      runDigest: this.#runDigest(),
      weights: this.#weights,
      weightSources: [...this.#sources],
    };
  }

  /**
   * Accepts a group from a worker. The first result counts and an identical one is accepted; a
   * different but valid result ends the run, because sampling must be deterministic. A judge may give
   * the same answers other grades, which are dropped.
   *
   * @throws WrongGroupWeightsError, MalformedGroupError, ExactnessError, NotExpectedError
   */
  async submit(request: SubmitGroupRequest): Promise<void> {
    const { groupKey } = request;
    if (request.runDigest !== this.#runDigest()) {
      throw new NotExpectedError(`group ${groupKey} of another run of this name`);
    }
    const bytes = groupBytes(request);
    const name = sha256(bytes);
    const arriving = this.#arriving.get(groupKey);
    const known = arriving?.name ?? this.#record.state.groups.get(groupKey);
    if (known !== undefined) {
      if (known === name) return arriving?.stored;
      const plan = this.#plans.get(groupKey);
      if (plan === undefined) throw new NotExpectedError(`group ${groupKey}`);
      this.#check(request, plan);
      if (await this.#isJudgedAgain(request, known, arriving)) return arriving?.stored;
      const problem = `group ${groupKey} was sampled twice, with different results`;
      const error = new ExactnessError(problem);
      this.#failed(error);
      throw error;
    }
    const plan = this.#open.get(groupKey)?.plan;
    if (plan === undefined) throw new NotExpectedError(`group ${groupKey}`);
    this.#check(request, plan);
    const stored = this.#store(request, bytes, name);
    this.#arriving.set(groupKey, { name, bytes, stored });
    try {
      await stored;
    } catch (error) {
      // The run retries or ends; a retry requests the group again, which puts its job back.
      this.#failed(error);
      throw new NotExpectedError(`group ${groupKey}`);
    } finally {
      this.#arriving.delete(groupKey);
    }
    if (this.#open.delete(groupKey) && this.#open.size === 0) this.#settled();
  }

  /** Returns whether a judge has graded the answers of a known group again. */
  async #isJudgedAgain(
    request: SubmitGroupRequest,
    known: string,
    arriving: ArrivingGroup | undefined,
  ): Promise<boolean> {
    if (!this.#judges[parseGroupKey(request.groupKey).kind]) return false;
    const bytes = arriving?.bytes ?? (await this.#record.blobs.get(known));
    return hasSameAnswers(bytes, request);
  }

  #check(request: SubmitGroupRequest, plan: GroupPlan): void {
    checkGroup(request, {
      plan,
      weights: this.#weights,
      rewardNames: Object.keys(decoupledWeights(this.#record.config) ?? {}),
      vocabulary: this.#vocabulary,
    });
  }

  #runDigest(): string {
    const { config, state } = this.#record;
    this.#digest ??= runDigest(config, state.inputs);
    return this.#digest;
  }

  async #store(request: SubmitGroupRequest, bytes: Uint8Array, name: string): Promise<void> {
    await this.#record.keep(bytes, name);
    await this.#record.append(groupEvent(this.#record.config, request, name));
  }

  /** Ends the run: a job failed for good. */
  fail(error: unknown): void {
    this.#failed(error);
  }
}
