import { type Clock, type Logger } from "@gumshoe/core";
import { type HeldOutKind, type RunResult } from "@gumshoe/config";
import { type RunEventOf } from "@gumshoe/protocol";

import { type Machines } from "../fleet/machines.js";
import { type ReducerPlan } from "../fleet/reducer-plan.js";
import { type Checkpoints } from "../checkpoint/checkpoints.js";
import { isRefreshDue } from "../checkpoint/reference.js";
import { ReferenceService } from "../checkpoint/reference-service.js";
import { type RecoveryPoints } from "../checkpoint/recovery-points.js";
import { tierOf } from "../plan/curriculum.js";
import { type GroupPlan, GroupPlanner } from "../plan/group-planner.js";
import {
  checkRecordedTasks,
  firstTask,
  groupsToReplace,
  numTrainGroups,
} from "../plan/replacements.js";
import { type LaneCollector } from "../learn/lane-collector.js";
import { type SupervisedBatches } from "../learn/supervised-batches.js";
import { batchFromGroups } from "../learn/batch-from-groups.js";
import { type TrainingBatch } from "../learn/training-batch.js";
import { iterationMetrics } from "./iteration-metrics.js";
import { appendMetrics, writeMetrics } from "./metrics-file.js";
import { writeRollouts } from "../sample/rollout-files.js";
import { type RunModel } from "../plan/run-model.js";
import { type RunRecord } from "./run-record.js";
import { type Durable, newestWeights, type Weights } from "./run-state.js";
import { handedOver } from "../checkpoint/handed-over.js";
import { type GroupCollector } from "../sample/group-collector.js";
import { type TaskPlan } from "../plan/task-plan.js";
import { UpdateRunner } from "../learn/update-runner.js";
import { validationResult } from "../sample/validation-result.js";

/** Iterations between two example answers in the event stream. */
const EXAMPLE_EVERY = 5;
/** Suffix of a metric that counts values which are not finite. */
const NOT_FINITE = ".notFinite";

/** The parts that run iterations under one plan of reducers. */
export interface IterationOptions {
  readonly record: RunRecord;
  readonly plan: ReducerPlan;
  readonly checkpoints: Checkpoints;
  readonly recovery: RecoveryPoints;
  readonly sampling: GroupCollector;
  readonly lanes: LaneCollector;
  readonly model: RunModel;
  readonly tasks: TaskPlan;
  /** The training data of a supervised run; null for a run that samples. */
  readonly examples: SupervisedBatches | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names of the metrics that were logged as not finite: each is logged once. */
  readonly reported: Set<string>;
  readonly signal: AbortSignal;
  /** Cores and GPUs of the workers' machines. */
  readonly machines: () => Machines;
  readonly onProgress: (
    phase: RunEventOf<"progress">["phase"],
    done: number,
    total: number,
  ) => void;
}

/** Runs iterations under one plan of reducers; docs/structure.md describes their life cycle. */
export class IterationRunner {
  readonly #options: IterationOptions;
  readonly #record: RunRecord;
  readonly #planner: GroupPlanner;
  readonly #updates: UpdateRunner;
  readonly #references: ReferenceService;
  readonly #signal: AbortSignal;
  /** The plan of the last requested iteration: an iteration requests it more than once. */
  #planned: { readonly iteration: number; readonly plans: readonly GroupPlan[] } | null = null;
  #latest: { readonly iteration: number; readonly batch: TrainingBatch } | null = null;

  constructor(options: IterationOptions) {
    const { record, plan } = options;
    this.#options = options;
    this.#record = record;
    this.#planner = new GroupPlanner(record.config, options.model, options.tasks);
    this.#updates = new UpdateRunner(options);
    this.#references = new ReferenceService(options);
    this.#signal = AbortSignal.any([options.signal, plan.lost]);
  }

  /**
   * Recomputes the updates after a weight version.
   *
   * @param toVersion  the version that they end with; default: the newest one in the ledger
   */
  async replay(
    fromVersion: number,
    toVersion = this.#record.state.digests.length - 1,
  ): Promise<void> {
    const { updateIterations } = this.#record.state;
    for (let update = fromVersion; update < toVersion;) {
      const iteration = updateIterations[update] as number;
      this.#options.onProgress("learning", update - fromVersion, toVersion - fromVersion);
      const batch = await this.#batch(iteration);
      const first = updateIterations.indexOf(iteration);
      const known = updateIterations.lastIndexOf(iteration) - first + 1;
      const end = Math.min(toVersion, first + known);
      for (; update < end; update++) await this.#make(iteration, update, first, batch);
    }
  }

  /** Runs one iteration, or the rest of one that was begun. */
  async iterate(iteration: number): Promise<void> {
    const { state, config } = this.#record;
    const weights = await this.#plan(iteration);
    const first = weights.version;
    const groups = await this.#sample(iteration, weights);
    const batch = await this.#batch(iteration);
    const total = batch.updates.length;
    for (let update = state.digests.length - 1; update < first + total; update++) {
      this.#options.onProgress("learning", update - first, total);
      await this.#make(iteration, update, first, batch);
    }
    const done = iteration + 1;
    const isDue = done % config.checkpoint.every === 0 || isRefreshDue(config, done);
    if (isDue || done >= config.iterations) {
      this.#options.onProgress("checkpoint", 0, 1);
      await this.#checkpoint(done);
    }
    const shown = groups.length > 0 ? await this.#show(iteration, groups) : {};
    const own = iterationMetrics(config, state, batch.counts);
    const { cores, gpus } = this.#options.machines();
    const seconds = own["seconds"] ?? 0;
    const used = { coreSeconds: cores * seconds, gpuSeconds: gpus * seconds };
    const metrics = { ...own, ...used, ...shown };
    await this.#record.append({ type: "iteration-done", iteration, metrics });
    await appendMetrics(this.#record);
  }

  /** Writes the final weights to a checkpoint, and validates them. */
  async validateFinal(): Promise<void> {
    const { config, state } = this.#record;
    const done = state.iterationsDone;
    if (state.checkpoints.at(-1)?.version !== state.digests.length - 1) {
      await this.#checkpoint(done);
    }
    if (config.validation !== null && !this.#isValidated(done)) {
      const plans = await this.#planHeldOut("validation", done);
      await this.#collect(plans, this.#newest());
      await this.#recordValidation(done, plans);
    }
  }

  /** Measures weights that the plan's reducers hold on the tasks of the report. */
  async report(final: Durable): Promise<void> {
    const { iteration, version, digest } = final;
    const { checkpoints, plan } = this.#options;
    const isEarlier = version > 0 && version < this.#newest().version;
    // The weights were computed again where their checkpoint is damaged, which the run hands over.
    if (isEarlier && !(await checkpoints.isUsable(final))) await checkpoints.restore(plan, final);
    const plans = await this.#planHeldOut("report", iteration);
    const weights = { version, digest };
    await this.#collect(plans, weights);
    const tasks = this.#options.tasks.heldOut.report;
    await writeRollouts(this.#record, { kind: "report", iteration }, plans);
    const result = await validationResult(this.#record, iteration, { plans, tasks });
    await this.#record.append({ type: "report-done", ...result, weights });
  }

  /** Records the run's result. */
  async finish(): Promise<void> {
    await writeMetrics(this.#record);
    await this.#record.append({ type: "run-done", result: this.#result() });
  }

  /** Writes a checkpoint of the newest weights, which no recovery point outlives. */
  async #checkpoint(iteration: number): Promise<void> {
    const { checkpoints, recovery, plan } = this.#options;
    await recovery.settled();
    await checkpoints.write(plan, iteration);
    await recovery.supersede();
  }

  async #plan(iteration: number): Promise<Weights> {
    const { state, config } = this.#record;
    if (state.planned?.iteration === iteration) return state.planned.weights;
    const weights = this.#newest();
    const hashes = (await this.#trainPlans(iteration)).map(({ contentHash }) => contentHash);
    const tier = tierOf(config, state, iteration);
    await this.#record.append({
      type: "iteration-planned",
      iteration,
      tasks: hashes,
      weights,
      ...(tier === null ? {} : { tier }),
    });
    return weights;
  }

  /**
   * Samples the iteration's groups and, when one is due, the validation of the weights before it.
   */
  async #sample(iteration: number, weights: Weights): Promise<readonly GroupPlan[]> {
    const { config, state } = this.#record;
    const train = await this.#trainPlans(iteration);
    if (state.sampledIterations.has(iteration)) return train;
    const due =
      config.validation !== null &&
      iteration % config.validation.every === 0 &&
      !this.#isValidated(iteration);
    const validation = due ? await this.#planHeldOut("validation", iteration) : [];
    const startedAtMs = this.#options.clock.monotonicMs();
    await this.#collect([...train, ...validation], weights);
    if (due) await this.#recordValidation(iteration, validation);
    if (train.length === 0) return train;
    const all = await this.#replaceEqual(iteration, weights);
    await this.#recordSampled(iteration, startedAtMs, all);
    return all;
  }

  /** Samples further tasks in place of groups without a gradient; returns the iteration's groups. */
  async #replaceEqual(iteration: number, weights: Weights): Promise<readonly GroupPlan[]> {
    const { config, state } = this.#record;
    for (;;) {
      const equal = config.type === "grpo" ? groupsToReplace(config, state, iteration) : [];
      const plans = await this.#trainPlans(iteration, equal.length);
      if (equal.length === 0) return plans;
      const tasks = plans.slice(-equal.length).map(({ contentHash }) => contentHash);
      await this.#record.append({ type: "groups-replaced", iteration, groups: equal, tasks });
      await this.#collect(plans, weights);
    }
  }

  #planHeldOut(kind: HeldOutKind, iteration: number): Promise<readonly GroupPlan[]> {
    return this.#planner.heldOut(kind, iteration, this.#options.tasks.heldOut[kind]);
  }

  async #collect(plans: readonly GroupPlan[], weights: Weights): Promise<void> {
    const { sampling, plan } = this.#options;
    await sampling.collect(plans, { weights, sources: plan.sources, signal: this.#signal });
  }

  async #recordSampled(
    iteration: number,
    startedAtMs: number,
    train: readonly GroupPlan[],
  ): Promise<void> {
    const { counts } = await this.#batch(iteration);
    if (counts === null) return;
    await this.#record.append({
      type: "iteration-sampled",
      iteration,
      meanReward: counts.meanReward,
      rollouts: train.reduce((total, { count }) => total + count, 0),
      tokens: counts.numAnswerTokens,
      seconds: (this.#options.clock.monotonicMs() - startedAtMs) / 1000,
    });
  }

  async #recordValidation(iteration: number, plans: readonly GroupPlan[]): Promise<void> {
    const tasks = this.#options.tasks.heldOut.validation;
    await writeRollouts(this.#record, { kind: "validation", iteration }, plans);
    const result = await validationResult(this.#record, iteration, { plans, tasks });
    await this.#record.append({ type: "validation-done", ...result });
  }

  async #batch(iteration: number): Promise<TrainingBatch> {
    const { config } = this.#record;
    const { examples } = this.#options;
    if (examples !== null) return examples.of(iteration);
    if (config.type !== "grpo") throw new Error("a run has examples, or samples its own");
    if (this.#latest?.iteration === iteration) return this.#latest.batch;
    const plans = await this.#trainPlans(iteration);
    const batch = await batchFromGroups(this.#record, config, { iteration, plans });
    this.#latest = { iteration, batch };
    return batch;
  }

  async #make(
    iteration: number,
    update: number,
    first: number,
    batch: TrainingBatch,
  ): Promise<void> {
    const lanes = batch.updates[update - first];
    if (lanes === undefined) throw new Error(`update ${update} is not in iteration ${iteration}`);
    const expectExact = this.#record.config.type === "grpo" && update === first;
    const reference = await this.#references.of(iteration, update);
    const work = { iteration, update, lanes, expectExact, reference };
    await this.#updates.run({ ...work, signal: this.#signal });
  }

  /** Writes the iteration's rollouts; returns the means of the environment's own metrics. */
  async #show(iteration: number, groups: readonly GroupPlan[]): Promise<Record<string, number>> {
    const { example, metrics } = await writeRollouts(
      this.#record,
      { kind: "train", iteration },
      groups,
    );
    this.#reportNotFinite(metrics);
    const isShown = this.#record.state.shownIterations.has(iteration);
    if (example !== null && iteration % EXAMPLE_EVERY === 0 && !isShown) {
      await this.#record.append({ type: "example", iteration, ...example });
    }
    return metrics;
  }

  /** Logs, once per metric, that the environment returned values which are not finite. */
  #reportNotFinite(metrics: Readonly<Record<string, number>>): void {
    const { reported, logger } = this.#options;
    for (const [name, count] of Object.entries(metrics)) {
      if (!name.endsWith(NOT_FINITE) || reported.has(name)) continue;
      reported.add(name);
      const what = name.slice(0, -NOT_FINITE.length);
      const run = this.#record.config.name;
      logger.warn({ run, count }, `${what} has values, or a sum, that are not finite: left out`);
    }
  }

  /**
   * Plans the groups of an iteration that the ledger has, before it is planned its first ones.
   *
   * @param more  number of further groups, which the ledger does not have yet
   */
  async #trainPlans(iteration: number, more = 0): Promise<readonly GroupPlan[]> {
    const { config, state } = this.#record;
    if (config.type !== "grpo") return [];
    const known = this.#planned?.iteration === iteration ? this.#planned.plans : [];
    const missing = numTrainGroups(config, state, iteration) + more - known.length;
    if (missing === 0) return known;
    const first = firstTask(config, state, iteration) + known.length;
    const tier = tierOf(config, state, iteration);
    const tasks = this.#options.tasks.draw(first, missing, tier);
    const plans = [...known, ...(await this.#planner.train(iteration, tasks, known.length))];
    const hashes = plans.map(({ contentHash }) => contentHash);
    checkRecordedTasks(state, iteration, { hashes, perIteration: config.tasks.perIteration });
    this.#planned = { iteration, plans };
    return plans;
  }

  #isValidated(iteration: number): boolean {
    return this.#record.state.validations.some((result) => result.iteration === iteration);
  }

  #newest(): Weights {
    return newestWeights(this.#record.state) ?? { version: 0, digest: "" };
  }

  #result(): RunResult {
    const { config, state } = this.#record;
    const { digest, folder } = handedOver(this.#record);
    return {
      run: config.name,
      weightsDigest: digest,
      iterations: state.iterationsDone,
      updates: state.digests.length - 1,
      validation: state.validations,
      ...(state.report === null ? {} : { report: state.report }),
      logprobGapMax: state.logprobGapMax,
      seconds: (state.workedMs + this.#options.clock.now() - state.lastAtMs) / 1000,
      checkpoint: folder,
    };
  }
}
