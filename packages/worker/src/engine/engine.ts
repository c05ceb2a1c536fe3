import { type LossMetrics, mergeMetrics, NO_METRICS, packLoss } from "@gumshoe/grpo";
import {
  Model,
  ParameterShard,
  parseModelConfig,
  Sampler,
  type SampleResult,
  Trainer,
} from "@gumshoe/engine";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { floatsToBytes } from "@gumshoe/protocol";
import { blockDigests, weightDigest } from "@gumshoe/tensors";
import { sha256 } from "@gumshoe/core";

import { OtherWeightsError } from "../errors.js";
import { type EngineCalls, type EngineOptions } from "./calls.js";

type Argument<C extends keyof EngineCalls> = EngineCalls[C]["argument"];
type Answer<C extends keyof EngineCalls> = EngineCalls[C]["answer"];

/** Rows that a trainer computes together: enough to be fast, little enough for a laptop's memory. */
const MAX_BATCH_ROWS = 2048;

/**
 * The engine of one worker: a device, and the model or the parameters on it.
 *
 * - Nothing is computed from a model without weights, or from other weights than the caller names.
 * - Requests that are in hand when their model or their weights go are reported to `onDropped`.
 */
export class Engine {
  readonly #device: Device;
  readonly #onDropped: () => void;
  /** Config text of the model and what it was made for. */
  #key: string | null = null;
  #model: Model | null = null;
  /** Digest of the model's weights; null while it has none. */
  #weights: string | null = null;
  #sampler: Sampler | null = null;
  #trainer: Trainer | null = null;
  #shard: ParameterShard | null = null;
  /** Sampled by models that are gone. */
  #numTokensBefore = 0;

  /** @param onDropped  called when requests in hand are dropped, all of them */
  constructor(options: EngineOptions, onDropped: () => void) {
    this.#device = createCpuDevice(options);
    this.#onDropped = onDropped;
  }

  /** Says whether rollouts are being sampled. */
  get isSampling(): boolean {
    return this.#sampler !== null && !this.#sampler.idle;
  }

  loadModel({ configJson, training }: Argument<"loadModel">): void {
    const key = `${training ? "training" : "sampling"} ${sha256(configJson)}`;
    this.#dropRequests();
    this.#weights = null;
    if (this.#key === key) return;
    this.#dropModel();
    const config = parseModelConfig(JSON.parse(configJson));
    try {
      this.#model = new Model({ device: this.#device, config, training });
      if (training)
        this.#trainer = new Trainer({ model: this.#model, maxBatchRows: MAX_BATCH_ROWS });
      else this.#sampler = new Sampler({ model: this.#model });
      this.#key = key;
    } catch (error) {
      this.#dropModel();
      throw error;
    }
  }

  setWeights({ values }: Argument<"setWeights">): Answer<"setWeights"> {
    const model = loaded(this.#model);
    const flat = new Float32Array(values);
    this.#dropRequests();
    this.#weights = null;
    model.setParameters(flat);
    this.#weights = weightDigest(blockDigests(flat));
    return this.#weights;
  }

  /** @throws OtherWeightsError when the engine does not hold these weights */
  addSample({ request, weights }: Argument<"sample">): void {
    this.#checkWeights(weights);
    loaded(this.#sampler).add(request);
  }

  /** Forgets a request that is in hand. */
  cancelSample(id: string): void {
    this.#sampler?.cancel(id);
  }

  /** Digest of the weights that are held; null for none. */
  get weights(): string | null {
    return this.#weights;
  }

  /**
   * Samples one more token of everything in hand; returns what is finished, and the tokens that
   * this engine has sampled so far, with all its models.
   */
  sampleStep(): { results: SampleResult[]; tokens: number } {
    const sampler = this.#sampler;
    // The model may have gone since this step was scheduled.
    if (sampler === null) return { results: [], tokens: this.#numTokensBefore };
    const results = sampler.step();
    return { results, tokens: this.#numTokensBefore + sampler.stats.numSampledTokens };
  }

  gradient(argument: Argument<"gradient">): Answer<"gradient"> {
    const { packs, loss, temperature, into, weights } = argument;
    this.#checkWeights(weights);
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
    return { metrics: metrics.length === 0 ? NO_METRICS : mergeMetrics(metrics), digest, weights };
  }

  assign({ master, m, v }: Argument<"assign">): Answer<"assign"> {
    this.#shard?.dispose();
    const values = new Float32Array(master);
    this.#shard = ParameterShard.ofVector(this.#device, values);
    this.#shard.writeMoments({ m: new Float32Array(m), v: new Float32Array(v) });
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

  /** Drops the model and what is in hand: after a failed step its state is unknown. */
  dropModel(): void {
    this.#dropModel();
  }

  dispose(): void {
    this.#dropModel();
    this.#shard?.dispose();
    this.#device.dispose();
  }

  #checkWeights(wanted: string): void {
    if (this.#weights !== wanted) throw new OtherWeightsError(wanted, this.#weights);
  }

  /** A sampler keeps nothing of requests that were cancelled. */
  #dropRequests(): void {
    if (this.#sampler === null || this.#sampler.idle) return;
    this.#numTokensBefore += this.#sampler.stats.numSampledTokens;
    const model = loaded(this.#model);
    this.#sampler.dispose();
    this.#sampler = new Sampler({ model });
    this.#onDropped();
  }

  #dropModel(): void {
    const hadRequests = this.isSampling;
    this.#numTokensBefore += this.#sampler?.stats.numSampledTokens ?? 0;
    this.#sampler?.dispose();
    this.#trainer?.dispose();
    this.#model?.dispose();
    this.#sampler = null;
    this.#trainer = null;
    this.#model = null;
    this.#weights = null;
    this.#key = null;
    if (hadRequests) this.#onDropped();
  }
}

function loaded<T>(value: T | null): T {
  if (value === null) throw new Error("the engine was asked before it was loaded");
  return value;
}
