import {
  hasImportanceWeights,
  type LossMetrics,
  mergeMetrics,
  NO_METRICS,
  packLoss,
} from "@gumshoe/grpo";
import {
  batchLimits,
  embeddingShareBytes,
  gradientBytes,
  Model,
  parseModelConfig,
  Sampler,
  Tokenizer,
  Trainer,
  type TurnEnd,
  weightBytes,
  type WeightForm,
  withAdapter,
} from "@gumshoe/engine";
import { type Device, KV_BLOCK, OutOfMemoryError } from "@gumshoe/kernels";
import {
  chooseCheckpointing,
  kvCacheBlocks,
  machineMemory,
  RELEASED_FROM_BYTES,
  TRAINER_BATCH,
  type WorkSize,
} from "@gumshoe/memory";
import type { RegionMemory } from "@gumshoe/tensors";
import { sha256 } from "@gumshoe/core";

import { GpuMemoryError, OtherWeightsError } from "../errors.js";
import type { EngineCalls } from "./calls.js";
import { gpuBill } from "./gpu-bill.js";
import { hashTensor } from "./hash-tensor.js";
import { largestPack } from "./largest-pack.js";
import { PlacedRegion } from "./placed-region.js";
import { ReferenceModel } from "./reference-model.js";
import { ReducerShard } from "./reducer-shard.js";
import type { SampleStep } from "./sample-step.js";
import { digestOf } from "./tensor-digests.js";

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
  /** What a reducer owns. */
  readonly shard: ReducerShard;
  readonly #device: Device;
  readonly #onDropped: () => void;
  /** Identifies the model: its config, its adapter, and whether it samples or trains. */
  #key: string | null = null;
  #model: Model | null = null;
  /** Digest of the weights that jobs name: the model's, or its adapter's; null while it has none. */
  #weights: string | null = null;
  /** The frozen weights of a model with an adapter, and their digest. */
  #base: { placed: PlacedRegion; digest: string } | null = null;
  #reference: ReferenceModel | null = null;
  #sampler: Sampler | null = null;
  /** Decodes answers in which stop strings are searched; null if there are none. */
  #tokenizer: Tokenizer | null = null;
  /** Turns that ended in the current step. */
  readonly #turns: TurnEnd[] = [];
  /** What the sampler is sized by; null: nothing is known. */
  #work: WorkSize | null = null;
  /** Made for the first packs. */
  #trainer: Trainer | null = null;
  /** Rows of the largest pack that the trainer was chosen for. */
  #trainedRows = 0;
  /** The weights that the model computes with. */
  #placed: PlacedRegion | null = null;
  /** Tokens sampled by models that were replaced. */
  #numTokensBefore = 0;

  /**
   * @param device     belongs to the engine from now on
   * @param onDropped  called when all running requests are dropped
   */
  constructor(device: Device, onDropped: () => void) {
    this.#device = device;
    this.shard = new ReducerShard(device);
    this.#onDropped = onDropped;
  }

  /** Returns whether rollouts are being sampled. */
  get isSampling(): boolean {
    return this.#sampler !== null && !this.#sampler.idle;
  }

  /** Loads a model without weights. One of the same config keeps its frozen weights and the named reference. */
  loadModel(argument: Argument<"loadModel">): Answer<"loadModel"> {
    const { configJson, adapter, training, work, reference, tokenizerFiles = null } = argument;
    const use = training ? "training" : JSON.stringify([work, tokenizerFiles]);
    const key = sha256(`${use} ${JSON.stringify(adapter)} ${configJson}`);
    this.#dropRequests();
    this.#dropWeights();
    if (this.#key === key) {
      if (this.#reference?.digest !== reference) this.#dropReference();
      return { base: this.#base?.digest ?? null, reference: this.#reference?.digest ?? null };
    }
    this.#dropModel();
    const config = withAdapter(parseModelConfig(JSON.parse(configJson)), adapter);
    try {
      this.#model = new Model({ device: this.#device, config, training });
      this.#work = work;
      this.#tokenizer = tokenizerFiles === null ? null : Tokenizer.fromAssets(tokenizerFiles);
      if (!training) this.#sampler = this.#billed(() => this.#newSampler(loaded(this.#model)));
      this.#key = key;
      return { base: null, reference: null };
    } catch (error) {
      this.#dropModel();
      throw error;
    }
  }

  setBase({ weights }: Argument<"setBase">): Answer<"setBase"> {
    const model = loaded(this.#model);
    this.#dropRequests();
    this.#dropBase();
    const placed = this.#place(model.form, weights);
    model.useWeights(placed.tensor);
    this.#base = { placed, digest: digestOf(this.#device, model.form, placed.tensor) };
    return this.#base.digest;
  }

  setReference({ weights }: Argument<"setReference">): Answer<"setReference"> {
    const model = this.#modelWithBase();
    this.#dropReference();
    const placed = this.#place(model.trainable.form, weights);
    const base = this.#base?.placed.tensor ?? null;
    this.#reference = new ReferenceModel(this.#device, model.config, { placed, base });
    return this.#reference.digest;
  }

  setWeights({ weights }: Argument<"setWeights">): Answer<"setWeights"> {
    const model = this.#modelWithBase();
    this.#dropRequests();
    this.#dropWeights();
    const { form } = model.trainable;
    const placed = this.#place(form, weights);
    if (model.config.adapter === null) model.useWeights(placed.tensor);
    else model.useAdapter(placed.tensor);
    this.#placed = placed;
    this.#weights = digestOf(this.#device, form, placed.tensor);
    return this.#weights;
  }

  /** @throws OtherWeightsError when the engine does not hold these weights */
  addSample({ request, weights }: Argument<"sample">): void {
    this.#checkWeights(weights);
    loaded(this.#sampler).add(request);
  }

  /** Continues an answer that waits; null ends it. Without effect if no such answer waits (any more). */
  resumeSample(id: string, rollout: number, given: readonly number[] | null): void {
    this.#sampler?.resume(id, rollout, given);
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
   * Samples one more token of every running request. Returns the finished requests, the turns that have ended, the
   * number of tokens that this engine has sampled with all its models, and whether another step has work.
   */
  sampleStep(): SampleStep {
    const sampler = this.#sampler;
    // The model may have been replaced since this step was scheduled.
    if (sampler === null) {
      return { results: [], turns: [], tokens: this.#numTokensBefore, hasWork: false };
    }
    const results = sampler.step();
    const tokens = this.#numTokensBefore + sampler.stats.numSampledTokens;
    const hasWork = sampler.hasWork && !sampler.idle;
    return { results, turns: this.#turns.splice(0), tokens, hasWork };
  }

  gradient(argument: Argument<"gradient">): Answer<"gradient"> {
    this.#checkWeights(argument.weights);
    return this.#billed(() => this.#computeGradient(argument));
  }

  #computeGradient(argument: Argument<"gradient">): Answer<"gradient"> {
    const { packs, loss, distribution, into, weights } = argument;
    const references = this.#referenceLogprobs(argument);
    const trainer = this.#trainerFor(argument);
    const metrics: LossMetrics[] = [];
    const length = trainer.model.trainable.layout.numParameters;
    const placed = new PlacedRegion(this.#device, into, { length, access: "write" });
    try {
      trainer.useGradient(placed.tensor);
      trainer.zeroGradient();
      trainer.accumulate(
        packs,
        (pack, { logprobs, entropies }, index) => {
          const referenceLogprobs = references?.[index] ?? null;
          // An update that is corrected is the first of its iteration: its weights are the old ones, too.
          const oldLogprobs = hasImportanceWeights(loss) ? logprobs : null;
          const outputs = { newLogprobs: logprobs, oldLogprobs, entropies, referenceLogprobs };
          const result = packLoss(pack, loss, outputs);
          metrics.push(result.metrics);
          return result;
        },
        distribution,
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

  /** Returns the reference's log-probs of each pack; null where the loss has no divergence. */
  #referenceLogprobs(argument: Argument<"gradient">): Float32Array[] | null {
    const { packs, distribution, reference: wanted } = argument;
    if (wanted === null) return null;
    const reference = this.#reference;
    if (reference?.digest !== wanted)
      throw new OtherWeightsError(wanted, reference?.digest ?? null);
    const { maxBatchRows } = batchLimits(loaded(this.#model).config, TRAINER_BATCH);
    return reference.logprobs(packs, { distribution, maxBatchRows });
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
    this.shard.dispose();
    this.#device.dispose();
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
    const tokenizer = this.#tokenizer;
    const decode = (ids: readonly number[]) =>
      tokenizer?.decode(ids, { skipSpecialTokens: true }) ?? "";
    const onTurns = (turns: readonly TurnEnd[]) => this.#turns.push(...turns);
    const shared = { onTurns, ...(tokenizer === null ? {} : { decode }) };
    this.#turns.length = 0;
    if (work === null) return new Sampler({ model, ...shared });
    const { config } = model;
    const leftBytes = this.#availableBytes() - weightBytes(config);
    const kvCacheTokens = kvCacheBlocks(config, work, leftBytes) * KV_BLOCK;
    // A request may be longer than the work says; what the model has no position for is refused.
    const maxKvCacheTokens = config.maxPositions + 2 * KV_BLOCK;
    return new Sampler({ model, kvCacheTokens, maxKvCacheTokens, ...shared });
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
      const hasReference = this.#reference !== null;
      const use = { training: model.training, rows, hasReference };
      throw new GpuMemoryError(thrown, gpuBill(model.config, use));
    }
  }

  #dropModel(): void {
    const hadRequests = this.isSampling;
    this.#numTokensBefore += this.#sampler?.stats.numSampledTokens ?? 0;
    this.#sampler?.dispose();
    this.#trainer?.dispose();
    this.#model?.dispose();
    this.#dropBase();
    this.#sampler = null;
    this.#trainer = null;
    this.#trainedRows = 0;
    this.#model = null;
    this.#key = null;
    if (hadRequests) this.#onDropped();
  }

  #place(form: WeightForm, weights: RegionMemory): PlacedRegion {
    const options = { length: form.length, access: "read" } as const;
    return this.#billed(() => new PlacedRegion(this.#device, weights, options));
  }

  /** The loaded model, whose frozen weights are there if it has an adapter. */
  #modelWithBase(): Model {
    const model = loaded(this.#model);
    if (model.config.adapter !== null && this.#base === null) {
      throw new Error("the model's frozen weights must be set before its adapter's");
    }
    return model;
  }

  #dropReference(): void {
    this.#reference?.dispose();
    this.#reference = null;
  }

  #dropBase(): void {
    this.#dropReference();
    this.#base?.placed.free();
    this.#base = null;
    this.#dropWeights();
  }

  #dropWeights(): void {
    this.#weights = null;
    this.#placed?.free();
    this.#placed = null;
  }
}

function loaded<T>(value: T | null): T {
  if (value === null) throw new Error("the engine was asked before it was loaded");
  return value;
}
