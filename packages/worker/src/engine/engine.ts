import { type LossMetrics, mergeMetrics, NO_METRICS, packLoss } from "@gumshoe/grpo";
import {
  Model,
  ParameterShard,
  parseModelConfig,
  Sampler,
  type SampleRequest,
  type SampleResult,
  Trainer,
} from "@gumshoe/engine";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { blockDigests, floatsToBytes, weightDigest } from "@gumshoe/protocol";
import { sha256 } from "@gumshoe/core";

import { type EngineCalls, type EngineOptions } from "./calls.js";

type Argument<C extends keyof EngineCalls> = EngineCalls[C]["argument"];
type Answer<C extends keyof EngineCalls> = EngineCalls[C]["answer"];

/** Rows that a trainer computes together: enough to be fast, little enough for a laptop's memory. */
const MAX_BATCH_ROWS = 2048;

/** The engine of one worker: a device, and the model or the parameters on it. */
export class Engine {
  readonly #device: Device;
  #run: string | null = null;
  #model: Model | null = null;
  #sampler: Sampler | null = null;
  #trainer: Trainer | null = null;
  #shard: ParameterShard | null = null;
  /** Sampled by models that are gone. */
  #numTokensBefore = 0;

  constructor(options: EngineOptions) {
    this.#device = createCpuDevice(options);
  }

  /** Says whether rollouts are being sampled. */
  get isSampling(): boolean {
    return this.#sampler !== null && !this.#sampler.idle;
  }

  loadModel({ run, configJson, training }: Argument<"loadModel">): void {
    const key = `${run} ${sha256(configJson)}`;
    if (this.#run === key) return;
    this.#dropModel();
    const config = parseModelConfig(JSON.parse(configJson));
    this.#model = new Model({ device: this.#device, config, training });
    if (training) this.#trainer = new Trainer({ model: this.#model, maxBatchRows: MAX_BATCH_ROWS });
    else this.#sampler = new Sampler({ model: this.#model });
    this.#run = key;
  }

  setWeights({ values }: Argument<"setWeights">): Answer<"setWeights"> {
    const model = loaded(this.#model);
    const flat = new Float32Array(values);
    model.setParameters(flat);
    model.commit();
    return weightDigest(blockDigests(flat));
  }

  addSample(request: SampleRequest): void {
    loaded(this.#sampler).add(request);
  }

  /**
   * Samples one more token of everything in hand; returns what is finished, and the tokens that
   * this engine has sampled so far, with all its models.
   */
  sampleStep(): { results: SampleResult[]; tokens: number } {
    const sampler = loaded(this.#sampler);
    const results = sampler.step();
    return { results, tokens: this.#numTokensBefore + sampler.stats.numSampledTokens };
  }

  gradient({ packs, loss, temperature, into }: Argument<"gradient">): Answer<"gradient"> {
    const trainer = loaded(this.#trainer);
    const metrics: LossMetrics[] = [];
    trainer.zeroGradient();
    trainer.accumulate(
      packs,
      (pack, { logprobs, entropies }) => {
        const result = packLoss(pack, loss, { newLogprobs: logprobs, entropies });
        metrics.push(result.metrics);
        return result;
      },
      temperature,
    );
    const gradient = trainer.readGradient();
    new Float32Array(into).set(gradient);
    const digest = sha256(floatsToBytes(gradient));
    return { metrics: metrics.length === 0 ? NO_METRICS : mergeMetrics(metrics), digest };
  }

  assign({ master, m, v }: Argument<"assign">): Answer<"assign"> {
    this.#shard?.dispose();
    const values = new Float32Array(master);
    const moments = { m: new Float32Array(m), v: new Float32Array(v) };
    this.#shard = new ParameterShard(this.#device, { master: values, ...moments });
    return { blockDigests: blockDigests(values) };
  }

  sumLanes({ lanes, blockSize }: Argument<"sumLanes">): Answer<"sumLanes"> {
    const shard = loaded(this.#shard);
    shard.zeroGradient();
    for (const lane of lanes) shard.addLane(new Float32Array(lane));
    return shard.sumSquares(blockSize);
  }

  step({ step, into }: Argument<"step">): Answer<"step"> {
    const shard = loaded(this.#shard);
    const values = new Float32Array(into);
    shard.step(step);
    shard.readMaster(values);
    return { blockDigests: blockDigests(values) };
  }

  readMoments({ m, v }: Argument<"readMoments">): void {
    const moments = loaded(this.#shard).readMoments();
    new Float32Array(m).set(moments.m);
    new Float32Array(v).set(moments.v);
  }

  dispose(): void {
    this.#dropModel();
    this.#shard?.dispose();
    this.#device.dispose();
  }

  #dropModel(): void {
    this.#numTokensBefore += this.#sampler?.stats.numSampledTokens ?? 0;
    this.#sampler?.dispose();
    this.#trainer?.dispose();
    this.#model?.dispose();
    this.#sampler = null;
    this.#trainer = null;
    this.#model = null;
    this.#run = null;
  }
}

function loaded<T>(value: T | null): T {
  if (value === null) throw new Error("the engine was asked before it was loaded");
  return value;
}
