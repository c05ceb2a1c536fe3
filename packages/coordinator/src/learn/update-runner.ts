import { type LossMetrics, meanMetrics, mergeMetrics } from "@gumshoe/grpo";
import type { RunConfig } from "@gumshoe/config";
import type { RunEventOf } from "@gumshoe/protocol";

import { ExactnessError, RunDivergedError } from "../errors.js";
import type { RecoveryPoints } from "../checkpoint/recovery-points.js";
import type { ReducerPlan } from "../fleet/reducer-plan.js";
import type { DoneLane, LaneCollector } from "./lane-collector.js";
import { learningRate } from "./learning-rate.js";
import { versionsToKeep } from "../plan/staleness.js";
import type { RunRecord } from "../run/run-record.js";
import type { Weights } from "../run/run-state.js";

type Work = NonNullable<RunEventOf<"update-done">["work"]>;

/** One update to be made. */
export interface UpdateWork {
  readonly iteration: number;
  /** The update leads from weight version `update` to `update + 1`. */
  readonly update: number;
  /** The encoded packs of each lane. */
  readonly lanes: readonly Uint8Array[];
  /** Whether the answers were sampled from exactly these weights. */
  readonly expectExact: boolean;
  /** Weights that the divergence in the loss is computed from; null for none. */
  readonly reference: Weights | null;
  readonly signal: AbortSignal;
}

/** Makes updates: lanes on the trainers, then norm and optimizer step on the reducers. */
export class UpdateRunner {
  readonly #record: RunRecord;
  readonly #plan: ReducerPlan;
  readonly #collector: LaneCollector;
  readonly #recovery: RecoveryPoints;

  constructor(options: {
    readonly record: RunRecord;
    readonly plan: ReducerPlan;
    readonly lanes: LaneCollector;
    readonly recovery: RecoveryPoints;
  }) {
    this.#record = options.record;
    this.#plan = options.plan;
    this.#collector = options.lanes;
    this.#recovery = options.recovery;
  }

  /**
   * Makes an update, and records it when it is new.
   *
   * @throws ExactnessError when an update that is in the ledger comes out with other weights
   */
  async run(work: UpdateWork): Promise<void> {
    const { config, state } = this.#record;
    const { update, iteration, lanes, expectExact, reference } = work;
    const known = state.digests[update + 1];
    const signal = AbortSignal.any([work.signal, this.#plan.lost]);
    const done = await this.#collector.collect(
      {
        run: config.name,
        update,
        plan: this.#plan.id,
        lanes,
        expectExact,
        reference,
        weights: { version: update, digest: state.digests[update] ?? "" },
        sources: this.#plan.sources,
        temperature: config.type === "grpo" ? config.rollouts.temperature : 1,
      },
      signal,
    );
    const metrics = done.map((lane) => lane.metrics);
    const lanesDoneAtMs = this.#record.nowMs;
    for (const lane of metrics) checkFinite(update, numbersOf(lane));
    const sums = mergeMetrics(metrics);
    if (!isTruncated(config) && sums.numExcluded > 0) {
      throw new RunDivergedError(update, "the log-prob of a token", -Infinity);
    }
    const means = {
      ...meanMetrics(sums),
      ...excludedMean(config, sums),
      numAnswers: sums.numAnswers,
    };
    checkFinite(update, means);
    const blockSums = await this.#plan.norm(update, lanes.length);
    const gradNorm = Math.sqrt(blockSums.reduce((total, sum) => total + sum, 0));
    checkFinite(update, { "the gradient's norm": gradNorm });
    const { beta1, beta2, eps, weightDecay, maxGradNorm } = config.optimizer;
    const lr = learningRate(config.optimizer, update, totalUpdates(config));
    const gradScale = Math.min(1, maxGradNorm / (gradNorm + 1e-6));
    // The step changes what a recovery point reads.
    await this.#recovery.settled();
    const digest = await this.#plan.step({
      update,
      lr,
      beta1,
      beta2,
      eps,
      weightDecay,
      gradScale,
      keepVersions: versionsToKeep(config, state, iteration),
    });
    if (known !== undefined) {
      if (known === digest) {
        this.#recovery.startIfDue(update + 1);
        return;
      }
      throw new ExactnessError(
        `update ${update} was computed again from the same groups and gave weights ${digest}, not ${known}`,
      );
    }
    await this.#record.append({
      type: "update-done",
      iteration,
      update,
      weights: { version: update + 1, digest },
      gradNorm,
      lr,
      logprobGapMax: expectExact ? sums.logprobGapMax : null,
      metrics: means,
      work: [...lanesWork(done), ...this.#reducersWork(lanesDoneAtMs)],
    });
    this.#recovery.startIfDue(update + 1);
  }

  /** The reducers work together from the last lane until the step is made. */
  #reducersWork(fromMs: number): Work {
    const toMs = this.#record.nowMs;
    return this.#plan.workerIds.map((workerId) => ({ kind: "reducing", workerId, fromMs, toMs }));
  }
}

/** Returns the share of tokens that the truncation of a run's sampling now excludes; nothing without one. */
function excludedMean(config: RunConfig, sums: LossMetrics): Record<string, number> {
  if (!isTruncated(config) || sums.numTokens === 0) return {};
  return { excludedFraction: sums.numExcluded / sums.numTokens };
}

function isTruncated(config: RunConfig): boolean {
  if (config.type !== "grpo") return false;
  const { topK, topP, minP } = config.rollouts;
  return topK !== undefined || topP !== undefined || minP !== undefined;
}

/** Returns when each lane was computed. */
function lanesWork(done: readonly DoneLane[]): Work {
  return done.map(({ workerId, ageMs, atMs }, lane) => ({
    kind: "learning",
    workerId,
    fromMs: atMs - (ageMs ?? 0),
    toMs: atMs,
    lane,
  }));
}

/** Returns the numeric fields of a lane's metrics. */
function numbersOf({ logprobGapAt: _at, ...numbers }: LossMetrics): Record<string, number> {
  return numbers;
}

/** @throws RunDivergedError naming the first figure that is not finite */
function checkFinite(update: number, figures: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(figures)) {
    if (!Number.isFinite(value)) throw new RunDivergedError(update, name, value);
  }
}

/** Updates of the whole run, assuming that no iteration falls short. */
function totalUpdates(config: RunConfig): number {
  return config.iterations * config.updatesPerIteration;
}
