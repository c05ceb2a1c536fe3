import { type LossMetrics, type Pack, type TrainingLoss } from "@gumshoe/grpo";
import {
  type CompleteLaneRequest,
  floatsToBytes,
  type GradientJob,
  type Lane,
  laneKey,
  type PackMessage,
  type TensorSource,
} from "@gumshoe/protocol";
import { type JobQueue } from "@gumshoe/queue";

import { ExactnessError, NotExpectedError, WrongLaneWeightsError } from "../errors.js";
import { type Weights } from "../run/run-state.js";
import { checkLane } from "./check-lane.js";

/** One update's lanes, to be computed. */
export interface LaneWork {
  readonly run: string;
  readonly update: number;
  readonly plan: string;
  readonly lanes: readonly (readonly Pack[])[];
  readonly weights: Weights;
  readonly sources: readonly TensorSource[];
  readonly loss: TrainingLoss;
  readonly temperature: number;
  /** Says that log-probs must agree with the sampler's bit for bit. */
  readonly expectExact: boolean;
}

/** The lanes that are wanted now: what trainers fetch, and where they report. */
export class LaneCollector {
  readonly #queue: JobQueue<"gradient">;
  #work: LaneWork | null = null;
  readonly #done = new Map<number, { digest: string; metrics: LossMetrics }>();
  #settled: () => void = () => undefined;
  #failed: (error: unknown) => void = () => undefined;

  constructor(queue: JobQueue<"gradient">) {
    this.#queue = queue;
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

  /** Says whether a job is one of those that are wanted now, done or not. */
  isWanted({ update, lane, plan }: Pick<GradientJob, "update" | "lane" | "plan">): boolean {
    const work = this.#work;
    return work?.update === update && work.plan === plan && lane < work.lanes.length;
  }

  /** Wants the lanes of an update; returns their metrics in lane order once every reducer has them. */
  async collect(work: LaneWork, signal: AbortSignal): Promise<LossMetrics[]> {
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
      return work.lanes.map(
        (_, lane) => (this.#done.get(lane) as { metrics: LossMetrics }).metrics,
      );
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
      packs: packs.map(toPackMessage),
      lossJson: JSON.stringify(work.loss),
      temperature: work.temperature,
      expectExact: work.expectExact,
    };
  }

  /**
   * Takes a trainer's report. The same lane again is accepted when its gradient is the same.
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
    if (work.expectExact && request.logprobGapMax !== 0) {
      this.#refuse(
        `${request.logprobGapAt}: sampler and trainer differ by ${request.logprobGapMax} nats; ` +
          "the log-probs of the same weights must agree bit for bit",
      );
    }
    this.#done.set(lane, { digest: gradientDigest, metrics });
    if (this.#done.size === work.lanes.length) this.#settled();
  }

  /** A job that nobody can do ends the run. */
  fail(error: unknown): void {
    this.#failed(error);
  }

  #refuse(problem: string): never {
    const error = new ExactnessError(problem);
    this.#failed(error);
    throw error;
  }
}

function toPackMessage(pack: Pack): PackMessage {
  return {
    groupKey: pack.groupKey,
    promptTokens: [...pack.promptTokens],
    answers: pack.answers.map(({ rollout, tokens, logprobs, advantage, weight }) => ({
      rollout,
      tokens: [...tokens],
      logprobs: floatsToBytes(logprobs),
      advantage,
      weight,
    })),
  };
}
