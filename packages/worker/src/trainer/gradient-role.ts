import { type RunConfig } from "@gumshoe/config";
import { type LossConfig, type Pack, type TrainingLoss } from "@gumshoe/grpo";
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
import { type JobContext } from "@gumshoe/queue";
import { type RpcClient } from "@gumshoe/rpc";
import { type HeldRange } from "@gumshoe/tensors";

import { type EngineThread } from "../engine/engine-thread.js";
import { type Channels } from "../host/channels.js";
import { type EngineSession } from "../session/engine-session.js";
import { type RunAssets, RunAssetsCache } from "../session/run-assets.js";

const F32_BYTES = 4;

/** What a trainer works with. */
export interface GradientRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly session: EngineSession;
  readonly packs: RpcClient<typeof PackService>;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly channels: Channels;
  /** host:port at which this worker's gradients can be pulled. */
  readonly address: string;
}

/** Does gradient jobs: computes a lane, lets every reducer pull its range, and reports. */
export class GradientRole {
  readonly #options: GradientRoleOptions;
  readonly #assets: RunAssetsCache;
  /** The engine's calls come one after the other, so that an aborted one never writes over the next. */
  #memory = new SharedArrayBuffer(0);
  /** The gradient that can be pulled now. */
  #offered: { name: string; memory: SharedArrayBuffer } | null = null;
  /** Tokens trained so far. */
  tokensTrained = 0;

  constructor(options: GradientRoleOptions) {
    this.#options = options;
    this.#assets = new RunAssetsCache(options.rollouts);
  }

  /** Finds a gradient that is offered, by its tensor name; null when it is not here (any more). */
  offered(name: string): HeldRange | null {
    if (this.#offered?.name !== name) return null;
    return { start: 0, values: new Float32Array(this.#offered.memory) };
  }

  /** Does one job; idempotent by update and lane. */
  async handle(job: JobOf<"gradient">, context: JobContext): Promise<void> {
    const { packs, session, workerId } = this.#options;
    const { run, update, lane: index, plan } = job;
    const { signal } = context;
    const lane = await packs.fetchLane({ run, update, lane: index }, { signal });
    if (lane.plan !== plan) return;
    const assets = await this.#assets.get(lane, signal);
    const { version, digest } = lane.weights ?? { version: 0, digest: "" };
    const wanted = { run, assets, version, digest, sources: lane.weightSources };
    const gradient = await session.withWeights(wanted, signal, () =>
      this.#compute(lane, assets, signal),
    );
    const { metrics } = gradient;
    await this.#deliver(lane, signal);
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
      },
      { signal },
    );
    this.tokensTrained += metrics.numTokens;
  }

  /** Computes a lane's gradient and offers it. */
  async #compute(lane: Lane, { config, numParameters }: RunAssets, signal: AbortSignal) {
    const { plan, update, lane: index } = lane;
    const memory = this.#takeMemory(numParameters);
    const argument = {
      packs: lane.packs.map(fromPackMessage),
      loss: lossOf(config),
      temperature: lane.temperature,
      into: memory,
      weights: lane.weights?.digest ?? "",
    };
    const gradient = await this.#options.engine.call("gradient", argument, signal);
    const name = formatTensorName({ type: "gradient", plan, update, lane: index });
    this.#offered = { name, memory };
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

  /** The memory of the last gradient is used again: every reducer that wanted it has it. */
  #takeMemory(numParameters: number): SharedArrayBuffer {
    this.#offered = null;
    const bytes = numParameters * F32_BYTES;
    if (this.#memory.byteLength !== bytes) this.#memory = new SharedArrayBuffer(bytes);
    return this.#memory;
  }
}

/** The loss that a run's lanes are computed with. */
function lossOf(config: RunConfig): TrainingLoss {
  if (config.type === "sft") return { policy: "cross-entropy" };
  const { truncated: _truncated, ...loss } = config.loss;
  return loss satisfies LossConfig;
}

function fromPackMessage(message: PackMessage): Pack {
  return {
    groupKey: message.groupKey,
    promptTokens: bytesToTokens(message.promptTokens),
    answers: message.answers.map((answer) => ({
      rollout: answer.rollout,
      tokens: bytesToTokens(answer.tokens),
      logprobs: bytesToFloats(answer.logprobs),
      advantage: answer.advantage,
      weight: answer.weight,
    })),
  };
}
