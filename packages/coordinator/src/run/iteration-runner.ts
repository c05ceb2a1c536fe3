import type { Clock, Logger } from "@gumshoe/core";
import { type RunResult, stalenessOf } from "@gumshoe/config";
import type { RunEventOf } from "@gumshoe/protocol";

import type { Machines } from "../fleet/machines.js";
import type { ReducerPlan } from "../fleet/reducer-plan.js";
import type { Checkpoints } from "../checkpoint/checkpoints.js";
import { isRefreshDue } from "../checkpoint/reference.js";
import { ReferenceService } from "../checkpoint/reference-service.js";
import type { RecoveryPoints } from "../checkpoint/recovery-points.js";
import { type GroupPlan, GroupPlanner } from "../plan/group-planner.js";
import { IterationBatches } from "../learn/iteration-batches.js";
import type { LaneCollector } from "../learn/lane-collector.js";
import type { SupervisedBatches } from "../learn/supervised-batches.js";
import type { TrainingBatch } from "../learn/training-batch.js";
import { iterationMetrics } from "./iteration-metrics.js";
import { IterationSampler } from "./iteration-sampler.js";
import { appendMetrics, writeMetrics } from "./metrics-file.js";
import type { LastStep, NextStep, PauseStep } from "./next-step.js";
import { overlapIterations } from "./overlapped-iterations.js";
import { writeRollouts } from "../sample/rollout-files.js";
import { TrainPlans } from "../plan/train-plans.js";
import type { RunModel } from "../plan/run-model.js";
import type { RunRecord } from "./run-record.js";
import { type Durable, weightsAfter } from "./run-state.js";
import { handedOver } from "../checkpoint/handed-over.js";
import type { GroupCollector } from "../sample/group-collector.js";
import type { TaskPlan } from "../plan/task-plan.js";
import { UpdateRunner } from "../learn/update-runner.js";

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
  /** Called when learning is done with what it last reported. */
  readonly onLearnt: () => void;
}

/** Runs iterations under one plan of reducers; docs/structure.md describes their life cycle. */
export class IterationRunner {
  readonly #options: IterationOptions;
  readonly #record: RunRecord;
  readonly #sampler: IterationSampler;
  readonly #plans: TrainPlans;
  readonly #batches: IterationBatches;
  readonly #updates: UpdateRunner;
  readonly #references: ReferenceService;
  readonly #signal: AbortSignal;

  constructor(options: IterationOptions) {
    const { record, plan, tasks, model } = options;
    const { config, state } = record;
    this.#options = options;
    this.#record = record;
    const planner = new GroupPlanner(config, model, tasks);
    const plans = new TrainPlans({ config, state, planner, tasks });
    const batches = new IterationBatches({ ...options, plans });
    this.#plans = plans;
    this.#batches = batches;
    this.#sampler = new IterationSampler({ ...options, planner, plans, batches });
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
      const batch = await this.#batches.of(iteration);
      const first = updateIterations.indexOf(iteration);
      const known = updateIterations.lastIndexOf(iteration) - first + 1;
      const end = Math.min(toVersion, first + known);
      for (; update < end; update++) {
        await this.#make(update, { iteration, first, batch, signal: this.#signal });
      }
      this.#drop(iteration - 1);
    }
    this.#options.onLearnt();
  }

  /** Runs iterations until the next step is another one, and returns that. */
  async iterate(nextStep: () => Promise<NextStep | PauseStep>): Promise<LastStep> {
    if (stalenessOf(this.#record.config) > 0) {
      const { record } = this.#options;
      return overlapIterations({ record, nextStep, iterations: this, signal: this.#signal });
    }
    for (;;) {
      const step = await nextStep();
      if (step.type !== "iterate") return step;
      await this.sample(step.iteration, this.#signal);
      await this.learn(step.iteration, this.#signal);
    }
  }

  /** Samples one iteration, or the rest of one that was begun. */
  async sample(iteration: number, signal: AbortSignal): Promise<void> {
    await this.#sampler.sample(iteration, signal);
  }

  /** Learns from one iteration that is sampled, or from the rest of one that was begun, and ends it. */
  async learn(iteration: number, signal: AbortSignal): Promise<void> {
    const { state, config } = this.#record;
    if (stalenessOf(config) > 0) await this.#sampler.validateIfDue(iteration, signal);
    const first = weightsAfter(state, iteration).version;
    const batch = await this.#batches.of(iteration);
    const total = batch.updates.length;
    for (let update = state.digests.length - 1; update < first + total; update++) {
      this.#options.onProgress("learning", update - first, total);
      await this.#make(update, { iteration, first, batch, signal });
    }
    const done = iteration + 1;
    const isDue = done % config.checkpoint.every === 0 || isRefreshDue(config, done);
    if (isDue || done >= config.iterations) {
      this.#options.onProgress("checkpoint", 0, 1);
      await this.#checkpoint(done);
    }
    const groups = await this.#plans.of(iteration);
    const shown = groups.length > 0 ? await this.#show(iteration, groups) : {};
    const own = iterationMetrics(config, state, batch.counts);
    const { cores, gpus } = this.#options.machines();
    const seconds = own["seconds"] ?? 0;
    const used = { coreSeconds: cores * seconds, gpuSeconds: gpus * seconds };
    const metrics = { ...own, ...used, ...shown };
    await this.#record.append({ type: "iteration-done", iteration, metrics });
    this.#drop(iteration);
    this.#options.onLearnt();
    await appendMetrics(this.#record);
  }

  /** Writes the final weights to a checkpoint, and validates them. */
  async validateFinal(): Promise<void> {
    const { state } = this.#record;
    const done = state.iterationsDone;
    if (state.checkpoints.at(-1)?.version !== state.digests.length - 1) {
      await this.#checkpoint(done);
    }
    await this.#sampler.validateFinal(done, this.#signal);
  }

  /** Measures weights that the plan's reducers hold on the tasks of the report. */
  async report(final: Durable): Promise<void> {
    const { checkpoints, plan, record } = this.#options;
    const newest = record.state.digests.length - 1;
    const isEarlier = final.version > 0 && final.version < newest;
    // The weights were computed again where their checkpoint is damaged, which the run hands over.
    if (isEarlier && !(await checkpoints.isUsable(final))) await checkpoints.restore(plan, final);
    await this.#sampler.report(final, this.#signal);
  }

  /** Records the run's result. */
  async finish(): Promise<void> {
    await writeMetrics(this.#record);
    await this.#record.append({ type: "run-done", result: this.#result() });
  }

  /** Writes a checkpoint of the newest weights, which no recovery point outlives but those that sampling needs. */
  async #checkpoint(iteration: number): Promise<void> {
    const { checkpoints, recovery, plan } = this.#options;
    await recovery.settled();
    await checkpoints.write(plan, iteration);
    await recovery.supersede();
  }

  /** Frees the plans and batches of iterations that have learnt. */
  #drop(iteration: number): void {
    this.#plans.dropUntil(iteration);
    this.#batches.dropUntil(iteration);
  }

  async #make(
    update: number,
    of: {
      readonly iteration: number;
      /** The first update of the iteration. */
      readonly first: number;
      readonly batch: TrainingBatch;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { iteration, first, batch, signal } = of;
    const { config, state } = this.#record;
    const lanes = batch.updates[update - first];
    if (lanes === undefined) throw new Error(`update ${update} is not in iteration ${iteration}`);
    const expectExact =
      config.type === "grpo" && state.sampledFrom.get(iteration)?.version === update;
    const reference = await this.#references.of(iteration, update);
    await this.#updates.run({ iteration, update, lanes, expectExact, reference, signal });
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
