import { type Pack, type TrainingLoss } from "@gumshoe/grpo";
import {
  bytesToFloats,
  formatTensorName,
  type HeldRange,
  type JobOf,
  type Lane,
  type PackMessage,
  type PackService,
  ReducerService,
  type RpcClient,
} from "@gumshoe/protocol";
import { type JobContext } from "@gumshoe/queue";

import { type EngineThread } from "../engine/engine-thread.js";
import { type Channels } from "../host/channels.js";
import { type RunModels } from "../host/run-models.js";
import { type WeightKeeper } from "../weights/weight-keeper.js";

const F32_BYTES = 4;

/** What a trainer works with. */
export interface GradientRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly packs: RpcClient<typeof PackService>;
  readonly models: RunModels;
  readonly weights: WeightKeeper;
  readonly channels: Channels;
  /** host:port at which this worker's gradients can be pulled. */
  readonly address: string;
}

/** Does gradient jobs: computes a lane, lets every reducer pull its range, and reports. */
export class GradientRole {
  readonly #options: GradientRoleOptions;
  /** The gradient that can be pulled now. */
  #offered: { name: string; memory: SharedArrayBuffer } | null = null;
  /** Tokens trained so far. */
  tokensTrained = 0;

  constructor(options: GradientRoleOptions) {
    this.#options = options;
  }

  /** Finds a gradient that is offered, by its tensor name; null when it is not here (any more). */
  offered(name: string): HeldRange | null {
    if (this.#offered?.name !== name) return null;
    return { start: 0, values: new Float32Array(this.#offered.memory) };
  }

  /** Does one job; idempotent by update and lane. */
  async handle(job: JobOf<"gradient">, context: JobContext): Promise<void> {
    const { packs, models, weights, engine, workerId } = this.#options;
    const { run, update, lane: index, plan } = job;
    const { signal } = context;
    const lane = await packs.fetchLane({ run, update, lane: index }, { signal });
    if (lane.plan !== plan) return;
    const { numParameters } = await models.of(run);
    const memory = this.#takeMemory(numParameters);
    const wanted = lane.weights ?? { version: 0, digest: "" };
    const sources = lane.weightSources;
    const { metrics, digest } = await weights.during({ run, ...wanted, sources }, () =>
      engine.call("gradient", {
        packs: lane.packs.map(fromPackMessage),
        loss: JSON.parse(lane.lossJson) as TrainingLoss,
        temperature: lane.temperature,
        into: memory,
      }),
    );
    this.#offered = {
      name: formatTensorName({ type: "gradient", plan, update, lane: index }),
      memory,
    };
    await this.#deliver(lane, signal);
    const gap = metrics.logprobGapAt;
    await packs.completeLane(
      {
        ...{ run, update, lane: index, plan, workerId, gradientDigest: digest },
        metricsJson: JSON.stringify(metrics),
        logprobGapMax: metrics.logprobGapMax,
        logprobGapAt:
          gap === null ? "" : `${gap.groupKey} rollout ${gap.rollout} token ${gap.token}`,
        tokens: metrics.numTokens,
      },
      { signal },
    );
    this.tokensTrained += metrics.numTokens;
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
    const old = this.#offered?.memory;
    this.#offered = null;
    const bytes = numParameters * F32_BYTES;
    return old !== undefined && old.byteLength === bytes ? old : new SharedArrayBuffer(bytes);
  }
}

function fromPackMessage(message: PackMessage): Pack {
  return {
    groupKey: message.groupKey,
    promptTokens: Int32Array.from(message.promptTokens),
    answers: message.answers.map((answer) => ({
      rollout: answer.rollout,
      tokens: Int32Array.from(answer.tokens),
      logprobs: bytesToFloats(answer.logprobs),
      advantage: answer.advantage,
      weight: answer.weight,
    })),
  };
}
