import { type HeldOutKind, stalenessOf } from "@gumshoe/config";
import type { Clock } from "@gumshoe/core";

import type { ReducerPlan } from "../fleet/reducer-plan.js";
import type { IterationBatches } from "../learn/iteration-batches.js";
import { tierOf } from "../plan/curriculum.js";
import type { GroupPlan, GroupPlanner } from "../plan/group-planner.js";
import { groupsToReplace } from "../plan/replacements.js";
import { iterationsInSampled } from "../plan/staleness.js";
import type { TaskPlan } from "../plan/task-plan.js";
import type { TrainPlans } from "../plan/train-plans.js";
import type { GroupCollector } from "../sample/group-collector.js";
import { writeRollouts } from "../sample/rollout-files.js";
import { validationResult } from "../sample/validation-result.js";
import type { RunRecord } from "./run-record.js";
import { type Durable, newestWeights, type Weights, weightsAfter } from "./run-state.js";

/** The parts that sample iterations under one plan of reducers. */
export interface SamplerOptions {
  readonly record: RunRecord;
  readonly plan: ReducerPlan;
  readonly sampling: GroupCollector;
  readonly tasks: TaskPlan;
  readonly clock: Clock;
  readonly planner: GroupPlanner;
  readonly plans: TrainPlans;
  readonly batches: IterationBatches;
}

/** Samples the groups of iterations, of validations and of the report. */
export class IterationSampler {
  readonly #options: SamplerOptions;
  readonly #record: RunRecord;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#record = options.record;
  }

  /**
   * Plans an iteration and samples its groups, or those that are missing. Without staleness, a due validation of
   * the same weights is sampled with them.
   */
  async sample(iteration: number, signal: AbortSignal): Promise<void> {
    const { config, state } = this.#record;
    const { plans, clock } = this.#options;
    const weights = await this.#plan(iteration);
    const train = await plans.of(iteration);
    if (state.sampledIterations.has(iteration)) return;
    const due = stalenessOf(config) === 0 && this.#isDue(iteration);
    const validation = due ? await this.#heldOutPlans("validation", iteration) : [];
    const startedAtMs = clock.monotonicMs();
    await this.#collect([...train, ...validation], weights, signal);
    if (due) await this.#recordValidation(iteration, validation);
    if (train.length === 0) return;
    const all = await this.#replaceEqual(iteration, weights, signal);
    await this.#recordSampled(iteration, startedAtMs, all);
  }

  /** Validates the newest weights, if a validation is due before an iteration and was not made. */
  async validateIfDue(iteration: number, signal: AbortSignal): Promise<void> {
    if (this.#isDue(iteration)) await this.#validate(iteration, signal);
  }

  /** Validates the newest weights after the last iteration. */
  async validateFinal(iterationsDone: number, signal: AbortSignal): Promise<void> {
    const { validation } = this.#record.config;
    if (validation === null || this.#isValidated(iterationsDone)) return;
    await this.#validate(iterationsDone, signal);
  }

  /** Measures weights that the plan's reducers hold on the tasks of the report. */
  async report({ iteration, version, digest }: Durable, signal: AbortSignal): Promise<void> {
    const plans = await this.#heldOutPlans("report", iteration);
    const weights = { version, digest };
    await this.#collect(plans, weights, signal);
    const tasks = this.#options.tasks.heldOut.report;
    await writeRollouts(this.#record, { kind: "report", iteration }, plans);
    const result = await validationResult(this.#record, iteration, { plans, tasks });
    await this.#record.append({ type: "report-done", ...result, weights });
  }

  async #validate(iteration: number, signal: AbortSignal): Promise<void> {
    const plans = await this.#heldOutPlans("validation", iteration);
    const weights = newestWeights(this.#record.state) ?? { version: 0, digest: "" };
    await this.#collect(plans, weights, signal);
    await this.#recordValidation(iteration, plans);
  }

  async #plan(iteration: number): Promise<Weights> {
    const { state, config } = this.#record;
    const known = state.sampledFrom.get(iteration);
    if (known !== undefined) return known;
    const weights = weightsAfter(state, iterationsInSampled(config, state, iteration));
    const plans = await this.#options.plans.of(iteration);
    const tier = tierOf(config, state, iteration);
    await this.#record.append({
      type: "iteration-planned",
      iteration,
      tasks: plans.map(({ contentHash }) => contentHash),
      weights,
      ...(tier === null ? {} : { tier }),
    });
    return weights;
  }

  /** Samples further tasks in place of groups without a gradient; returns the iteration's groups. */
  async #replaceEqual(
    iteration: number,
    weights: Weights,
    signal: AbortSignal,
  ): Promise<readonly GroupPlan[]> {
    const { config, state } = this.#record;
    for (;;) {
      const equal = config.type === "grpo" ? groupsToReplace(config, state, iteration) : [];
      const plans = await this.#options.plans.of(iteration, equal.length);
      if (equal.length === 0) return plans;
      const tasks = plans.slice(-equal.length).map(({ contentHash }) => contentHash);
      await this.#record.append({ type: "groups-replaced", iteration, groups: equal, tasks });
      await this.#collect(plans, weights, signal);
    }
  }

  async #collect(
    plans: readonly GroupPlan[],
    weights: Weights,
    signal: AbortSignal,
  ): Promise<void> {
    const { sampling, plan } = this.#options;
    await sampling.collect(plans, { weights, sources: plan.sources, signal });
  }

  async #recordSampled(
    iteration: number,
    startedAtMs: number,
    train: readonly GroupPlan[],
  ): Promise<void> {
    const { batches, clock } = this.#options;
    const { counts } = await batches.of(iteration);
    if (counts === null) return;
    await this.#record.append({
      type: "iteration-sampled",
      iteration,
      meanReward: counts.meanReward,
      rollouts: train.reduce((total, { count }) => total + count, 0),
      tokens: counts.numAnswerTokens,
      seconds: (clock.monotonicMs() - startedAtMs) / 1000,
    });
  }

  async #recordValidation(iteration: number, plans: readonly GroupPlan[]): Promise<void> {
    const tasks = this.#options.tasks.heldOut.validation;
    await writeRollouts(this.#record, { kind: "validation", iteration }, plans);
    const result = await validationResult(this.#record, iteration, { plans, tasks });
    await this.#record.append({ type: "validation-done", ...result });
  }

  #heldOutPlans(kind: HeldOutKind, iteration: number): Promise<GroupPlan[]> {
    const { planner, tasks } = this.#options;
    return planner.heldOut(kind, iteration, tasks.heldOut[kind]);
  }

  #isDue(iteration: number): boolean {
    const { validation } = this.#record.config;
    if (validation === null || iteration % validation.every !== 0) return false;
    return !this.#isValidated(iteration);
  }

  #isValidated(iteration: number): boolean {
    return this.#record.state.validations.some((result) => result.iteration === iteration);
  }
}
