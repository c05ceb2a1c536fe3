import { type LossMetrics, mergeMetrics, NO_METRICS, packLoss } from "@gumshoe/grpo";
import {
  embeddingShareBytes,
  gradientBytes,
  Model,
  ParameterShard,
  parseModelConfig,
  readTensor,
  Sampler,
  type SampleResult,
  Trainer,
  weightBytes,
  type WeightForm,
  weightForm,
} from "@gumshoe/engine";
import { type Device, KV_BLOCK, OutOfMemoryError, type Tensor } from "@gumshoe/kernels";
import {
  chooseCheckpointing,
  kvCacheBlocks,
  machineMemory,
  RELEASED_FROM_BYTES,
  TRAINER_BATCH,
  type WorkSize,
} from "@gumshoe/memory";
import { PARAMETER_BLOCK } from "@gumshoe/protocol";
import { blockDigestsOf, weightDigest } from "@gumshoe/tensors";
import { sha256 } from "@gumshoe/core";

import { GpuMemoryError, OtherWeightsError } from "../errors.js";
import { type EngineCalls } from "./calls.js";
import { gpuBill } from "./gpu-bill.js";
import { hashTensor } from "./hash-tensor.js";
import { largestPack } from "./largest-pack.js";
import { PlacedRegion } from "./placed-region.js";

type Argument<C extends keyof EngineCalls> = EngineCalls[C]["argument"];
type Answer<C extends keyof EngineCalls> = EngineCalls[C]["answer"];

const F32_BYTES = 4;

/**
 * The engine of one worker: a device, and the model or the shard on it.
 *
 * - Nothing is computed from a model without weights, or from weights other than those that the caller names.
 * - Requests whose model or weights are replaced while they run are reported to `onDropped`.
 */
export class Engine {
  readonly #device: Device;
  readonly #onDropped: () => void;
  /** Config text of the model, and whether it samples or trains. */
  #key: string | null = null;
  #model: Model | null = null;
  /** Digest of the model's weights; null while it has none. */
  #weights: string | null = null;
  #sampler: Sampler | null = null;
  /** What the sampler is sized by; null: nothing is known. */
  #work: WorkSize | null = null;
  /** Made for the first packs. */
  #trainer: Trainer | null = null;
  /** Rows of the largest pack that the trainer was chosen for. */
  #trainedRows = 0;
  /** The weights that the model computes with. */
  #placed: PlacedRegion | null = null;
  #shard: Shard | null = null;
  /** Tokens sampled by models that were replaced. */
  #numTokensBefore = 0;

  /**
   * @param device     belongs to the engine from now on
   * @param onDropped  called when all running requests are dropped
   */
  constructor(device: Device, onDropped: () => void) {
    this.#device = device;
    this.#onDropped = onDropped;
  }

  /** Returns whether rollouts are being sampled. */
  get isSampling(): boolean {
    return this.#sampler !== null && !this.#sampler.idle;
  }

  loadModel({ configJson, training, work }: Argument<"loadModel">): void {
    const key = `${training ? "training" : JSON.stringify(work)} ${sha256(configJson)}`;
    this.#dropRequests();
    this.#dropWeights();
    if (this.#key === key) return;
    this.#dropModel();
    const config = parseModelConfig(JSON.parse(configJson));
    try {
      this.#model = new Model({ device: this.#device, config, training });
      this.#work = work;
      if (!training) this.#sampler = this.#billed(() => this.#newSampler(loaded(this.#model)));
      this.#key = key;
    } catch (error) {
      this.#dropModel();
      throw error;
    }
  }

  setWeights({ weights }: Argument<"setWeights">): Answer<"setWeights"> {
    const model = loaded(this.#model);
    this.#dropRequests();
    this.#dropWeights();
    const { form, layout } = model;
    const options = { length: form.length, access: "read" } as const;
    const placed = this.#billed(() => new PlacedRegion(this.#device, weights, options));
    model.useWeights(placed.tensor);
    this.#placed = placed;
    const blocks = this.#digests(form, placed.tensor, { start: 0, end: layout.numParameters });
    this.#weights = weightDigest(blocks);
    return this.#weights;
  }

  /** @throws OtherWeightsError when the engine does not hold these weights */
  addSample({ request, weights }: Argument<"sample">): void {
    this.#checkWeights(weights);
    loaded(this.#sampler).add(request);
  }

  /** Cancels a running request. */
  cancelSample(id: string): void {
    this.#sampler?.cancel(id);
  }

  /** Digest of the weights that are held; null if there are none. */
  get weights(): string | null {
    return this.#weights;
  }

  /**
   * Samples one more token of every running request. Returns the finished requests and the number of tokens that
   * this engine has sampled with all its models.
   */
  sampleStep(): { results: SampleResult[]; tokens: number } {
    const sampler = this.#sampler;
    // The model may have been replaced since this step was scheduled.
    if (sampler === null) return { results: [], tokens: this.#numTokensBefore };
    const results = sampler.step();
    return { results, tokens: this.#numTokensBefore + sampler.stats.numSampledTokens };
  }

  gradient(argument: Argument<"gradient">): Answer<"gradient"> {
    this.#checkWeights(argument.weights);
    return this.#billed(() => this.#computeGradient(argument));
  }

  #computeGradient(argument: Argument<"gradient">): Answer<"gradient"> {
    const { packs, loss, temperature, into, weights } = argument;
    const trainer = this.#trainerFor(argument);
    const metrics: LossMetrics[] = [];
    const length = trainer.model.layout.numParameters;
    const placed = new PlacedRegion(this.#device, into, { length, access: "write" });
    try {
      trainer.useGradient(placed.tensor);
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
      trainer.finishGradient();
      placed.commit();
      const digest = hashTensor(this.#device, placed.tensor);
      const merged = metrics.length === 0 ? NO_METRICS : mergeMetrics(metrics);
      return { metrics: merged, digest, weights };
    } finally {
      trainer.useGradient(null);
      placed.free();
    }
  }

  assign({ configJson, start, end, weights }: Argument<"assign">): Answer<"assign"> {
    this.#dropShard();
    const form = weightForm(parseModelConfig(JSON.parse(configJson)));
    // A step reads and writes its range once, and other reducers write theirs of the same region.
    const options = { length: form.length, access: "read", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, weights, options);
    try {
      const state = { form, start, end, weights: placed.tensor };
      this.#shard = {
        parameters: new ParameterShard(this.#device, state),
        form,
        start,
        end,
        placed,
      };
    } catch (error) {
      placed.free();
      throw error;
    }
    return { blockDigests: this.#digests(form, placed.tensor, { start, end }) };
  }

  writeMoments({ at, m, v }: Argument<"writeMoments">): void {
    loaded(this.#shard).parameters.writeMoments({ m, v }, at);
  }

  addLane({ isFirst, lane, elements, from }: Argument<"addLane">): void {
    const { parameters, start, end } = loaded(this.#shard);
    const options = { length: elements, access: "read", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, lane, options);
    try {
      if (isFirst) parameters.zeroGradient();
      parameters.addLane(placed.tensor.slice(start - from, end - from));
    } finally {
      placed.free();
    }
  }

  sumSquares({ blockSize }: Argument<"sumSquares">): Answer<"sumSquares"> {
    return loaded(this.#shard).parameters.sumSquares(blockSize);
  }

  step({ step, into }: Argument<"step">): Answer<"step"> {
    const shard = loaded(this.#shard);
    const { parameters, form, start, end, placed: before } = shard;
    const options = { length: form.length, access: "write", residence: "host" } as const;
    const placed = new PlacedRegion(this.#device, into, options);
    parameters.step(step, placed.tensor);
    placed.commit();
    this.#shard = { ...shard, placed };
    before.free();
    return { blockDigests: this.#digests(form, placed.tensor, { start, end }) };
  }

  readMoments({ at, length }: Argument<"readMoments">): Answer<"readMoments"> {
    return loaded(this.#shard).parameters.readMoments(at, length);
  }

  /**
   * Frees memory that the next job can allocate again: activations, keys and values. The weights are kept.
   *
   * @param fromBytes  size of the weights from which on a model does so; smaller models keep everything
   */
  releaseIdle(fromBytes = RELEASED_FROM_BYTES): void {
    const model = this.#model;
    if (model === null || model.form.length * F32_BYTES < fromBytes) return;
    this.#trainer?.releaseMemory();
    if (this.#sampler?.idle !== true) return;
    try {
      this.#renewSampler(this.#sampler, model);
    } catch {
      // Without memory for another sampler the model is dropped: the next job loads it again, or fails with the
      // reason.
      this.#dropModel();
    }
  }

  /** Drops the model and all running requests: after a failed step its state is unknown. */
  dropModel(): void {
    this.#dropModel();
  }

  dispose(): void {
    this.#dropModel();
    this.#dropShard();
    this.#device.dispose();
  }

  /** Computes the digests of the blocks of a range of weights stored in their form. */
  #digests(
    form: WeightForm,
    memory: Tensor,
    { start, end }: { start: number; end: number },
  ): string[] {
    const block = new Float32Array(PARAMETER_BLOCK);
    return blockDigestsOf(end - start, (from, to) => {
      const into = block.subarray(0, to - from);
      readTensor(this.#device, form, { memory, into, start: start + from });
      return into;
    });
  }

  #checkWeights(wanted: string): void {
    if (this.#weights !== wanted) throw new OtherWeightsError(wanted, this.#weights);
  }

  /** Replaces the sampler, so that nothing of the dropped requests remains. */
  #dropRequests(): void {
    if (this.#sampler === null || this.#sampler.idle) return;
    this.#renewSampler(this.#sampler, loaded(this.#model));
    this.#onDropped();
  }

  #renewSampler(sampler: Sampler, model: Model): void {
    this.#numTokensBefore += sampler.stats.numSampledTokens;
    this.#sampler = null;
    sampler.dispose();
    this.#sampler = this.#newSampler(model);
  }

  /** Makes a sampler whose keys and values fit the work and the memory that is left. */
  #newSampler(model: Model): Sampler {
    const work = this.#work;
    if (work === null) return new Sampler({ model });
    const { config } = model;
    const leftBytes = this.#availableBytes() - weightBytes(config);
    const kvCacheTokens = kvCacheBlocks(config, work, leftBytes) * KV_BLOCK;
    // A request may be longer than the work says; what the model has no position for is refused.
    const maxKvCacheTokens = config.maxPositions + 2 * KV_BLOCK;
    return new Sampler({ model, kvCacheTokens, maxKvCacheTokens });
  }

  /** Makes a trainer that keeps what memory is left for, unless one for packs as large is there. */
  #trainerFor({ packs, checkpointing }: Argument<"gradient">): Trainer {
    const model = loaded(this.#model);
    const pack = largestPack(packs);
    const before = this.#trainer;
    if (before !== null && pack.rows <= this.#trainedRows) return before;
    const { config } = model;
    const leftBytes = this.#availableBytes() - gradientBytes(config) - embeddingShareBytes(config);
    const choice = chooseCheckpointing(checkpointing, config, { pack, leftBytes });
    this.#trainedRows = pack.rows;
    if (before?.checkpointing === choice) return before;
    before?.dispose();
    this.#trainer = null;
    this.#trainer = new Trainer({ model, checkpointing: choice, ...TRAINER_BATCH });
    return this.#trainer;
  }

  /** Bytes that the device can allocate now. */
  #availableBytes(): number {
    return this.#device.availableBytes() ?? machineMemory().availableBytes;
  }

  /** Adds what this worker's model takes to an error about the memory of a GPU. */
  #billed<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      const model = this.#model;
      const isGpu = this.#device.kind === "cuda";
      if (!isGpu || model === null || !(thrown instanceof OutOfMemoryError)) throw thrown;
      const rows = this.#trainedRows;
      throw new GpuMemoryError(thrown, gpuBill(model.config, { training: model.training, rows }));
    }
  }

  #dropModel(): void {
    const hadRequests = this.isSampling;
    this.#numTokensBefore += this.#sampler?.stats.numSampledTokens ?? 0;
    this.#sampler?.dispose();
    this.#trainer?.dispose();
    this.#model?.dispose();
    this.#dropWeights();
    this.#sampler = null;
    this.#trainer = null;
    this.#trainedRows = 0;
    this.#model = null;
    this.#key = null;
    if (hadRequests) this.#onDropped();
  }

  #dropWeights(): void {
    this.#weights = null;
    this.#placed?.free();
    this.#placed = null;
  }

  #dropShard(): void {
    this.#shard?.parameters.dispose();
    this.#shard?.placed.free();
    this.#shard = null;
  }
}

/** A reducer's shard, and the region with its newest weights. */
interface Shard {
  readonly parameters: ParameterShard;
  readonly form: WeightForm;
  readonly start: number;
  readonly end: number;
  readonly placed: PlacedRegion;
}

function loaded<T>(value: T | null): T {
  if (value === null) throw new Error("the engine was asked before it was loaded");
  return value;
}
