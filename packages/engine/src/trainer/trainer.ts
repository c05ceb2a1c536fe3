import { countRowTokens, type Pack } from "@gumshoe/grpo";
import { ops, type Tensor } from "@gumshoe/kernels";

import { Arena } from "../model/activations.js";
import { gradientOf, recordLayerBackward } from "../model/backward.js";
import { at, present } from "../model/checked.js";
import type { Model } from "../model/model.js";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import type { ModelConfig } from "../weights/model-config.js";
import { cutIntoRuns, type PackBatch } from "./pack-batch.js";
import { PackForward, type PackScores } from "./scorer.js";
import { type BackwardBuffers, type Checkpointing, rowsThatFit } from "./workspace.js";

/** A loss and its derivatives by the given log-probs and entropies, [N] each. */
export interface TokenLossResult {
  readonly loss: number;
  readonly dLogprob: Float32Array;
  /** null if the loss does not depend on the entropy. */
  readonly dEntropy: Float32Array | null;
}

/** The loss of one pack, as a function of what the model computed for it. */
export type PackLossFunction = (pack: Pack, scores: PackScores, index: number) => TokenLossResult;

/** Result of {@link Trainer.accumulate} for one pack. */
export interface PackOutcome extends PackScores {
  readonly loss: number;
}

/** Options of a trainer. */
export interface TrainerOptions {
  readonly model: Model;
  /** Default `none`: all activations are kept. */
  readonly checkpointing?: Checkpointing;
  /** Rows per batch; changes speed and memory, never a bit. Default 2048. */
  readonly maxBatchRows?: number;
  /**
   * Greatest size in bytes of a batch's kept activations. Batches then have fewer rows than `maxBatchRows`, down to
   * one pack, and the backward pass recomputes norm outputs and gated activations. Default: no limit.
   */
  readonly maxActivationBytes?: number;
}

/**
 * Computes gradients of packs with respect to the trainable parameters: those of the adapter if the model has one,
 * else all.
 *
 * - The gradient accumulates over packs in order until `zeroGradient`: every parameter's gradient is one chain over
 *   the rows of all packs, so packs may be computed one by one or together.
 * - With a tied head, the embedding's own gradient is kept apart and added once, in `readGradient` or
 *   `finishGradient`.
 */
export class Trainer {
  readonly model: Model;
  readonly #forward: PackForward;
  readonly #checkpointing: Checkpointing;
  readonly #maxBatchRows: number;
  /** Whether layers share activations that the backward pass recomputes. */
  readonly #computesAgain: boolean;
  /** Owns the gradients. */
  readonly #arena: Arena;
  /** f32, trainable parameters: the caller's memory; null while the trainer uses its own. */
  #givenGradient: Tensor | null = null;
  /** f32, trainable parameters, allocated on first use. */
  #ownGradient: Tensor | null = null;
  /** [V, D]: the embedding's gradient, if the head's gradient occupies the parameter's place. */
  readonly #embeddingGradient: Tensor | null;

  /** @throws OutOfMemoryError */
  constructor(options: TrainerOptions) {
    const { model } = options;
    if (!model.training) throw new Error("the model was made without training");
    this.model = model;
    this.#checkpointing = options.checkpointing ?? "none";
    const { maxBatchRows, sharesTransients } = batchLimits(model.config, options);
    this.#computesAgain = sharesTransients && this.#checkpointing === "none";
    this.#maxBatchRows = maxBatchRows;
    this.#forward = new PackForward(model, {
      checkpointing: this.#checkpointing,
      backward: true,
      sharesTransients,
    });
    [this.#arena, this.#embeddingGradient] = Arena.transaction(model.device, (arena) => [
      arena,
      embeddingShare(arena, model.config),
    ]);
  }

  /** Which activations are kept. */
  get checkpointing(): Checkpointing {
    return this.#checkpointing;
  }

  /**
   * Accumulates into memory of the caller from now on, or into the trainer's own again.
   *
   * @param gradient  f32, the trainable parameters in canonical order; null for the trainer's own
   */
  useGradient(gradient: Tensor | null): void {
    this.#givenGradient = gradient;
  }

  get #gradient(): Tensor {
    if (this.#givenGradient !== null) return this.#givenGradient;
    return (this.#ownGradient ??= this.#arena.f32(this.model.trainable.layout.numParameters));
  }

  /** Sets the gradient to zero. */
  zeroGradient(): void {
    const list = this.model.device.createCommandList();
    for (const x of [this.#gradient, this.#embeddingGradient]) {
      if (x !== null) ops.fill(list, { x, value: 0, length: x.length });
    }
    list.run();
  }

  /**
   * Adds the gradient of packs.
   *
   * @param lossOf        called once per pack, in order
   * @param distribution  whose log-probs and entropies the loss is of; default: the model's own
   */
  accumulate(
    packs: readonly Pack[],
    lossOf: PackLossFunction,
    distribution: Partial<TokenDistribution> = {},
  ): PackOutcome[] {
    const outcomes: PackOutcome[] = [];
    const whole = { ...WHOLE_DISTRIBUTION, ...distribution };
    for (const run of cutIntoRuns(packs, this.#maxBatchRows, countRowTokens)) {
      const { layout, scores } = this.#forward.run(run, whole);
      const count = layout.targets.length;
      const dLogprob = new Float32Array(count);
      const dEntropy = new Float32Array(count);
      let withEntropy = false;
      for (const [i, pack] of run.entries()) {
        const start = at(layout.targetStarts, i);
        const end = at(layout.targetStarts, i + 1);
        const own = {
          logprobs: scores.logprobs.slice(start, end),
          entropies: scores.entropies.slice(start, end),
        };
        const result = lossOf(pack, own, outcomes.length);
        dLogprob.set(result.dLogprob, start);
        if (result.dEntropy !== null) dEntropy.set(result.dEntropy, start);
        withEntropy ||= result.dEntropy !== null;
        outcomes.push({ ...own, loss: result.loss });
      }
      this.#backward(layout, dLogprob, withEntropy ? dEntropy : null);
    }
    return outcomes;
  }

  /** Adds the part that is kept apart, so that the memory holds the whole gradient. */
  finishGradient(): void {
    const x = this.#embeddingGradient;
    if (x === null) return;
    const list = this.model.device.createCommandList();
    ops.add(list, {
      x,
      y: present(this.#gradientOf("model.embed_tokens.weight")),
      length: x.length,
    });
    ops.fill(list, { x, value: 0, length: x.length });
    list.run();
  }

  /** Reads a range of the flat gradient, in canonical order. */
  readGradient(start = 0, end = this.model.trainable.layout.numParameters): Float32Array {
    const values = new Float32Array(end - start);
    this.model.device.read(this.#gradient, values, start);
    if (this.#embeddingGradient !== null) this.#addEmbeddingShare(values, start);
    return values;
  }

  /** Frees the memory of activations until packs are accumulated again. The gradient is kept. */
  releaseMemory(): void {
    this.#forward.free();
  }

  dispose(): void {
    this.#forward.free();
    this.#arena.free();
  }

  #addEmbeddingShare(values: Float32Array, start: number): void {
    const entry = this.model.layout.find("model.embed_tokens.weight");
    const from = Math.max(start, entry.start);
    const to = Math.min(start + values.length, entry.end);
    if (to <= from) return;
    const share = new Float32Array(to - from);
    this.model.device.read(present(this.#embeddingGradient), share, from - entry.start);
    for (let i = 0; i < share.length; i++) {
      const index = from - start + i;
      values[index] = (values[index] as number) + (share[i] as number);
    }
  }

  #backward(layout: PackBatch, dLogprob: Float32Array, dEntropy: Float32Array | null): void {
    const { model } = this;
    const { workspace, list } = this.#forward;
    const buffers = present(workspace.backward);
    model.device.write(buffers.dLogprob, dLogprob);
    if (dEntropy !== null) model.device.write(buffers.dEntropy, dEntropy);
    list.reset();
    this.#recordHeadBackward(buffers, layout.targets.length, dEntropy !== null);
    for (let layer = model.config.layers - 1; layer >= 0; layer--) {
      if (this.#checkpointing === "layer") this.#forward.recordLayer(layer);
      recordLayerBackward(list, {
        ...this.#forward.layerPass(layer),
        gradients: buffers.layer,
        dx: buffers.dx,
        gradient: this.#gradient,
        computesAgain: this.#computesAgain,
      });
    }
    this.#recordEmbeddingBackward(buffers);
    list.run();
  }

  #recordEmbeddingBackward({ dx: dy }: BackwardBuffers): void {
    const { list, batch } = this.#forward;
    const { width, vocabularySize: vocabulary } = this.model.config;
    const dTable = this.#embeddingGradient ?? this.#gradientOf("model.embed_tokens.weight");
    if (dTable === null) return;
    const { tokens: ids, rows } = batch;
    ops.embeddingBackward(list, { ids, dy, dTable, rows, width, vocabulary });
  }

  #recordHeadBackward(buffers: BackwardBuffers, count: number, withEntropy: boolean): void {
    const { model } = this;
    const { workspace: w, list, batch } = this.#forward;
    const { width, vocabularySize: vocabulary } = model.config;
    const { head, finalNorm } = model.parameters;
    ops.headBackward(list, {
      x: w.normed,
      weight: head.packed,
      targets: w.targetIds,
      invTemperature: w.invTemperature,
      stats: w.stats,
      entropies: w.entropies,
      dLogprob: buffers.dLogprob,
      kept: w.logits,
      truncation: this.#forward.truncation,
      dEntropy: withEntropy ? buffers.dEntropy : null,
      dx: buffers.dNormed,
      dw: this.#gradientOf(`${head.name}.weight`),
      rows: count,
      width,
      vocabulary,
    });
    ops.rmsNormBackward(list, {
      x: w.gathered,
      w: finalNorm,
      rstd: w.rstd,
      dy: buffers.dNormed,
      dx: buffers.dGathered,
      dw: this.#gradientOf("model.norm.weight"),
      rows: count,
      width,
      accumulateDx: false,
    });
    ops.fill(list, { x: buffers.dx, value: 0, length: batch.rows * width });
    ops.scatterAddRows(list, {
      dy: buffers.dGathered,
      rows: w.predictors,
      dx: buffers.dx,
      count,
      width,
      targetRows: batch.rows,
    });
  }

  #gradientOf(name: string): Tensor | null {
    return gradientOf({ model: this.model, gradient: this.#gradient }, name);
  }
}

/** How many rows a trainer computes together, and whether layers share what is cheap to compute again. */
export interface BatchLimits {
  readonly maxBatchRows: number;
  readonly sharesTransients: boolean;
}

/** Returns the limits that follow from a trainer's options. */
export function batchLimits(
  config: ModelConfig,
  options: Pick<TrainerOptions, "maxBatchRows" | "maxActivationBytes">,
): BatchLimits {
  const { maxBatchRows = 2048, maxActivationBytes = Infinity } = options;
  const fit = (sharesTransients: boolean) =>
    rowsThatFit(config, maxActivationBytes, { sharesTransients });
  const sharesTransients = fit(false) < maxBatchRows;
  return { maxBatchRows: Math.min(maxBatchRows, fit(sharesTransients)), sharesTransients };
}

/** Allocates the gradient [V, D] of a trainable embedding that is the head too, which is kept apart; else null. */
export function embeddingShare(
  arena: Arena,
  { vocabularySize, width, tiedHead, adapter }: ModelConfig,
): Tensor | null {
  return tiedHead && adapter === null ? arena.f32(vocabularySize * width) : null;
}
