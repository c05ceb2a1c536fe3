import type { Clock } from "@gumshoe/core";
import type { RunConfig } from "@gumshoe/config";
import type { LossConfig, Pack, TrainingLoss } from "@gumshoe/grpo";
import {
  bytesToFloats,
  bytesToTokens,
  formatTensorName,
  type JobOf,
  type Lane,
  type PackMessage,
  type PackService,
  ReducerService,
  type RolloutService,
} from "@gumshoe/protocol";
import type { JobContext } from "@gumshoe/queue";
import { RELEASED_FROM_BYTES } from "@gumshoe/memory";
import type { RpcClient } from "@gumshoe/rpc";
import { type HeldRange, heldVector, type Region, type RegionDirectory } from "@gumshoe/tensors";

import type { EngineThread } from "../engine/engine-thread.js";
import type { Channels } from "../host/channels.js";
import { IDLE_MS, IdleTimer } from "../host/idle-timer.js";
import { distributionOf } from "../session/distribution.js";
import type { EngineSession } from "../session/engine-session.js";
import { type RunAssets, RunAssetsCache } from "../session/run-assets.js";

const F32_BYTES = 4;

/** Dependencies of a trainer. */
export interface GradientRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly session: EngineSession;
  readonly packs: RpcClient<typeof PackService>;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly channels: Channels;
  readonly directory: RegionDirectory;
  /** host:port at which this worker's gradients can be pulled. */
  readonly address: string;
  readonly clock: Clock;
}

/** Runs gradient jobs: computes a lane, lets every reducer pull its range, and reports the metrics. */
export class GradientRole {
  readonly #options: GradientRoleOptions;
  readonly #assets: RunAssetsCache;
  /** A region that no reducer reads any more, for reuse. */
  #free: Region | null = null;
  readonly #idle = new IdleTimer(IDLE_MS, () => this.#releaseIdle());
  /** The gradient that reducers can read now. */
  #offered: { name: string; region: Region } | null = null;
  /** Tokens trained so far. */
  tokensTrained = 0;

  constructor(options: GradientRoleOptions) {
    this.#options = options;
    this.#assets = new RunAssetsCache(options.rollouts);
  }

  /** Returns an offered gradient by its tensor name; null if it is not held (any more). */
  offered(name: string): HeldRange | null {
    if (this.#offered?.name !== name) return null;
    const { region } = this.#offered;
    return { ...heldVector(0, region.values), file: region.file };
  }

  /** Closes the region of the gradient. */
  close(): void {
    this.#idle.stop();
    this.#offered?.region.close();
    this.#free?.close();
    this.#offered = null;
    this.#free = null;
  }

  /** Runs one job; idempotent by update and lane. */
  async handle(job: JobOf<"gradient">, context: JobContext): Promise<void> {
    const { packs, session, workerId, clock } = this.#options;
    const { run, update, lane: index, plan } = job;
    const { signal } = context;
    const takenAtMs = clock.monotonicMs();
    const lane = await packs.fetchLane({ run, update, lane: index }, { signal });
    if (lane.plan !== plan) return;
    const assets = await this.#assets.get(lane, signal);
    const { version, digest } = lane.weights ?? { version: 0, digest: "" };
    const reference = lane.reference ?? null;
    const wanted = { run, assets, version, digest, sources: lane.weightSources, reference };
    const gradient = await session.withWeights(wanted, signal, () =>
      this.#compute(lane, assets, signal),
    );
    const { metrics } = gradient;
    await this.#deliver(lane, signal);
    this.#reuse();
    await packs.completeLane(
      {
        run,
        update,
        lane: index,
        plan,
        workerId,
        gradientDigest: gradient.digest,
        weightsDigest: gradient.weights,
        metrics: { ...metrics, logprobGapAt: metrics.logprobGapAt ?? undefined },
        ageMs: Math.round(clock.monotonicMs() - takenAtMs),
      },
      { signal },
    );
    this.tokensTrained += metrics.numTokens;
  }

  /** Computes a lane's gradient and offers it. */
  async #compute(lane: Lane, { config, form, tokenizer }: RunAssets, signal: AbortSignal) {
    const { plan, update, lane: index } = lane;
    const region = this.#takeRegion(form.numParameters);
    const argument = {
      packs: lane.packs.map(fromPackMessage),
      loss: lossOf(config),
      distribution: {
        ...distributionOf(config, tokenizer.stopTokenIds),
        temperature: lane.temperature,
      },
      checkpointing: config.checkpointing,
      into: region.memory,
      weights: lane.weights?.digest ?? "",
      reference: lane.reference?.digest ?? null,
    };
    const gradient = await this.#options.engine.call("gradient", argument, signal);
    const name = formatTensorName({ type: "gradient", plan, update, lane: index });
    this.#offered = { name, region };
    return gradient;
  }

  async #deliver(lane: Lane, signal: AbortSignal): Promise<void> {
    const { channels, address } = this.#options;
    const { run, plan, update, lane: index } = lane;
    await Promise.all(
      lane.reducers.map((reducer) =>
        channels
          .to(reducer.address)
          .client(ReducerService)
          .collect({ run, plan, update, lane: index, address }, { signal }),
      ),
    );
  }

  /** Call it when every reducer has added the gradient: its region may be overwritten. */
  #reuse(): void {
    this.#free = this.#offered?.region ?? null;
    this.#offered = null;
    this.#idle.start();
  }

  /** Closes a large unused region, because a reducer may need the memory; the next job creates one. */
  #releaseIdle(): void {
    if (this.#free === null || this.#free.elements * F32_BYTES < RELEASED_FROM_BYTES) return;
    this.#free.close();
    this.#free = null;
  }

  /**
   * Returns a region for the next gradient. The region of a gradient that was not delivered is closed and not
   * reused, since a reducer may still read it or the engine write it; it is freed when they finish.
   */
  #takeRegion(numParameters: number): Region {
    this.#idle.stop();
    this.#offered?.region.close();
    this.#offered = null;
    const free = this.#free;
    this.#free = null;
    if (free?.elements === numParameters) return free;
    free?.close();
    return this.#options.directory.create(numParameters);
  }
}

/** Returns the loss of a run's lanes. */
function lossOf(config: RunConfig): TrainingLoss {
  if (config.type === "sft") return { policy: "cross-entropy" };
  const { truncated: _truncated, overlong: _overlong, ...loss } = config.loss;
  return loss satisfies LossConfig;
}

function fromPackMessage(message: PackMessage): Pack {
  return {
    groupKey: message.groupKey,
    promptTokens: bytesToTokens(message.promptTokens),
    answers: message.answers.map((answer) => ({
      rollout: answer.rollout,
      tokens: bytesToTokens(answer.tokens),
      ...(answer.segments.length > 0 && { segments: answer.segments }),
      logprobs: bytesToFloats(answer.logprobs),
      advantage: answer.advantage,
      weight: answer.weight,
    })),
  };
}
