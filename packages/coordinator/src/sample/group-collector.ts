import type { JobQueue } from "@gumshoe/queue";
import {
  type GroupSpec,
  parseGroupKey,
  type RolloutJob,
  type SubmitGroupRequest,
  type TensorSource,
} from "@gumshoe/protocol";
import { sha256 } from "@gumshoe/core";

import { ExactnessError, NotExpectedError } from "../errors.js";
import { decoupledWeights } from "../learn/decoupled-weights.js";
import { checkGroup } from "./check-group.js";
import type { GroupPlan } from "../plan/group-planner.js";
import type { TaskPlan } from "../plan/task-plan.js";
import { runDigest } from "../submission/run-identity.js";
import type { RunRecord } from "../run/run-record.js";
import type { Weights } from "../run/run-state.js";
import { GroupPhase } from "./group-phase.js";
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
  /** The phases that run, and the last ones that have ended. */
  #phases: readonly GroupPhase[] = [];
  /** Groups that are being written to the ledger. */
  readonly #arriving = new Map<string, ArrivingGroup>();
  /** Number of tokens in the run's vocabulary. */
  #vocabulary = 0;
  /** Whether the groups of a kind are graded by a judge. */
  #judges: TaskPlan["judges"] = { train: false, validation: false, report: false };
  #digest: string | null = null;

  constructor(record: RunRecord, queue: JobQueue<"rollout">) {
    this.#record = record;
    this.#queue = queue;
  }

  /** Number of groups of the current phases, finished ones included. */
  get numWanted(): number {
    return this.#running.reduce((total, { plans }) => total + plans.size, 0);
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
    return this.#running.reduce((total, { numOpen }) => total + numOpen, 0);
  }

  /** The jobs that should be in the queue; those of a phase are none while they are being added. */
  get openJobs(): RolloutJob[] {
    return this.#running.flatMap(({ isFilling, jobs }) => (isFilling ? [] : jobs));
  }

  /** Returns whether a job should still be in the queue. */
  isOpen({ groupKey }: Pick<RolloutJob, "groupKey">): boolean {
    return this.#running.some((phase) => phase.isOpen(groupKey));
  }

  get #running(): GroupPhase[] {
    return this.#phases.filter(({ isRunning }) => isRunning);
  }

  /**
   * Opens jobs for groups, and waits until all groups are in the ledger. Groups that are there
   * already are not sampled again. Several calls may run at a time, for different groups.
   */
  async collect(
    plans: readonly GroupPlan[],
    options: { weights: Weights; sources: readonly TensorSource[]; signal: AbortSignal },
  ): Promise<void> {
    const { signal } = options;
    const { config, state } = this.#record;
    const phase = new GroupPhase(plans, options);
    this.#phases = [...this.#running, phase];
    await phase.open(config.name, (groupKey) => state.groups.has(groupKey));
    if (phase.numOpen === 0) {
      phase.end();
      return;
    }
    const complete = phase.complete();
    const onAbort = () => phase.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const filling = this.#fill(phase);
    try {
      await Promise.all([complete, filling]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      const abandoned = phase.end();
      await filling.catch(() => undefined);
      await this.#queue.remove(abandoned).catch(() => undefined);
    }
  }

  async #fill(phase: GroupPhase): Promise<void> {
    phase.isFilling = true;
    try {
      await this.#queue.addMany(phase.jobs, ({ groupKey }) => phase.isOpen(groupKey));
    } finally {
      phase.isFilling = false;
    }
  }

  /** Returns the task of a group of the current phases as JSON; null for any other group. */
  taskJson(groupKey: string): string | null {
    return this.#phaseOf(groupKey)?.plans.get(groupKey)?.taskJson.toString() ?? null;
  }

  /** @throws NotExpectedError */
  fetch(groupKey: string): Omit<GroupSpec, "assetsDigest"> {
    const phase = this.#openPhase(groupKey);
    const { contentHash: _contentHash, ...spec } = planIn(phase, groupKey);
    return {
      ...spec,
      runDigest: this.#runDigest(),
      weights: phase.weights,
      weightSources: [...phase.sources],
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
      const phase = this.#phaseOf(groupKey);
      if (phase === undefined) throw new NotExpectedError(`group ${groupKey}`);
      this.#check(request, phase);
      if (await this.#isJudgedAgain(request, known, arriving)) return arriving?.stored;
      const problem = `group ${groupKey} was sampled twice, with different results`;
      const error = new ExactnessError(problem);
      this.fail(error);
      throw error;
    }
    const phase = this.#openPhase(groupKey);
    this.#check(request, phase);
    const stored = this.#store(request, bytes, name);
    this.#arriving.set(groupKey, { name, bytes, stored });
    try {
      await stored;
    } catch (error) {
      // The run retries or ends; a retry requests the group again, which puts its job back.
      phase.fail(error);
      throw new NotExpectedError(`group ${groupKey}`);
    } finally {
      this.#arriving.delete(groupKey);
    }
    phase.close(groupKey);
  }

  /** @throws NotExpectedError unless the group is open */
  #openPhase(groupKey: string): GroupPhase {
    const phase = this.#running.find((one) => one.isOpen(groupKey));
    if (phase === undefined) throw new NotExpectedError(`group ${groupKey}`);
    return phase;
  }

  #phaseOf(groupKey: string): GroupPhase | undefined {
    return this.#phases.findLast(({ plans }) => plans.has(groupKey));
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

  #check(request: SubmitGroupRequest, phase: GroupPhase): void {
    checkGroup(request, {
      plan: planIn(phase, request.groupKey),
      weights: phase.weights,
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
    for (const phase of this.#running) phase.fail(error);
  }
}

function planIn({ plans }: GroupPhase, groupKey: string): GroupPlan {
  const plan = plans.get(groupKey);
  if (plan === undefined) throw new NotExpectedError(`group ${groupKey}`);
  return plan;
}
