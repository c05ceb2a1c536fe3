import type { Clock } from "@gumshoe/core";
import type { LossMetrics } from "@gumshoe/grpo";
import {
  type CompleteLaneRequest,
  type GradientJob,
  type Lane,
  laneKey,
  type TensorSource,
} from "@gumshoe/protocol";
import type { JobQueue } from "@gumshoe/queue";

import { ExactnessError, NotExpectedError, WrongLaneWeightsError } from "../errors.js";
import type { Weights } from "../run/run-state.js";
import { checkLane } from "./check-lane.js";
import { decodePacks } from "./encoded-packs.js";

/** The lanes of one update, to be computed. */
export interface LaneWork {
  readonly run: string;
  readonly update: number;
  readonly plan: string;
  /** The encoded packs of each lane. */
  readonly lanes: readonly Uint8Array[];
  readonly weights: Weights;
  readonly sources: readonly TensorSource[];
  readonly temperature: number;
  /** Weights that the divergence in the loss is computed from; null for none. */
  readonly reference: Weights | null;
  /** Whether the trainer's log-probs must equal the sampler's bit for bit. */
  readonly expectExact: boolean;
}

/** A lane that is done. */
export interface DoneLane {
  readonly digest: string;
  readonly metrics: LossMetrics;
  readonly workerId: string;
  /** Time that its worker needed for it, in ms; null when it did not say. */
  readonly ageMs: number | null;
  /** When its report came, in milliseconds since the epoch. */
  readonly atMs: number;
}

/** Hands out the lanes that are currently needed to trainers, and collects their reports. */
export class LaneCollector {
  readonly #queue: JobQueue<"gradient">;
  #work: LaneWork | null = null;
  readonly #clock: Pick<Clock, "now">;
  readonly #done = new Map<number, DoneLane>();
  #settled: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(queue: JobQueue<"gradient">, clock: Pick<Clock, "now">) {
    this.#queue = queue;
    this.#clock = clock;
  }

  /** The jobs that should be in the queue. */
  get openJobs(): GradientJob[] {
    const work = this.#work;
    if (work === null) return [];
    const { run, update, plan } = work;
    return work.lanes
      .map((_, lane) => ({ run, update, lane, plan }))
      .filter(({ lane }) => !this.#done.has(lane));
  }

  /** Lanes that are done since the first update, where each has as many as the one in hand; 0 between updates. */
  get numDone(): number {
    const work = this.#work;
    return work === null ? 0 : work.update * work.lanes.length + this.#done.size;
  }

  /** Returns whether a job is currently needed, done or not. */
  isWanted({ update, lane, plan }: Pick<GradientJob, "update" | "lane" | "plan">): boolean {
    const work = this.#work;
    return work?.update === update && work.plan === plan && lane < work.lanes.length;
  }

  /**
   * Opens jobs for an update's lanes; returns them in lane order once every reducer has their
   * gradients.
   */
  async collect(work: LaneWork, signal: AbortSignal): Promise<DoneLane[]> {
    this.#work = work;
    this.#done.clear();
    const complete = new Promise<void>((resolve, reject) => {
      this.#settled = resolve;
      this.#failed = reject;
    });
    const onAbort = () => this.#failed(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.all([complete, this.#queue.addMany(this.openJobs)]);
      return work.lanes.map((_, lane) => this.#done.get(lane) as DoneLane);
    } finally {
      signal.removeEventListener("abort", onAbort);
      const abandoned = this.openJobs;
      this.#work = null;
      if (abandoned.length > 0) await this.#queue.remove(abandoned).catch(() => undefined);
    }
  }

  /** @throws NotExpectedError */
  fetch(update: number, lane: number): Omit<Lane, "assetsDigest"> {
    const work = this.#work;
    const packs = work?.update === update ? work.lanes[lane] : undefined;
    if (work === null || packs === undefined) {
      throw new NotExpectedError(`lane ${laneKey(update, lane)}`);
    }
    return {
      run: work.run,
      update,
      lane,
      plan: work.plan,
      weights: work.weights,
      weightSources: [...work.sources],
      reducers: [...work.sources],
      packs: decodePacks(packs),
      temperature: work.temperature,
      expectExact: work.expectExact,
      reference: work.reference ?? undefined,
    };
  }

  /**
   * Accepts a trainer's report. A repeated report is accepted when its gradient digest is the same.
   *
   * @throws NotExpectedError, MalformedLaneError, ExactnessError
   */
  complete(request: CompleteLaneRequest): void {
    const work = this.#work;
    const { update, lane, plan, gradientDigest } = request;
    if (work === null || work.update !== update || work.plan !== plan) {
      throw new NotExpectedError(`lane ${laneKey(update, lane)}`);
    }
    if (request.weightsDigest !== work.weights.digest) {
      const key = laneKey(update, lane);
      throw new WrongLaneWeightsError(key, work.weights.digest, request.weightsDigest);
    }
    const metrics = checkLane(request, work.lanes.length);
    const known = this.#done.get(lane);
    if (known !== undefined) {
      if (known.digest === gradientDigest) return;
      this.#refuse(`lane ${laneKey(update, lane)} was computed twice, with different gradients`);
    }
    if (work.expectExact && metrics.logprobGapMax !== 0) {
      this.#refuse(
        `${describePosition(metrics)}: sampler and trainer differ by ${metrics.logprobGapMax} nats; ` +
          "the log-probs of the same weights must agree bit for bit",
      );
    }
    if (work.expectExact && metrics.numExcluded !== 0) {
      this.#refuse(
        `lane ${laneKey(update, lane)}: the trainer excludes ${metrics.numExcluded} tokens that the sampler drew; ` +
          "the same weights must keep the same tokens",
      );
    }
    this.#done.set(lane, {
      digest: gradientDigest,
      metrics,
      workerId: request.workerId,
      ageMs: request.ageMs ?? null,
      atMs: this.#clock.now(),
    });
    if (this.#done.size === work.lanes.length) this.#settled();
  }

  /** Ends the run: a job failed for good. */
  fail(error: unknown): void {
    this.#failed(error);
  }

  #refuse(problem: string): never {
    const error = new ExactnessError(problem);
    this.#failed(error);
    throw error;
  }
}

function describePosition({ logprobGapAt: at }: LossMetrics): string {
  return at === null ? "" : `${at.groupKey} rollout ${at.rollout} token ${at.token}`;
}
