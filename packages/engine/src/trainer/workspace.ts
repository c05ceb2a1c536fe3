import { KV_BLOCK, type KvCache, ops, type Tensor } from "@gumshoe/kernels";

import {
  Arena,
  type LayerActivations,
  layerActivations,
  layerElementsPerRow,
  transientActivations,
} from "../model/activations.js";
import { type LayerGradients, layerGradients } from "../model/backward.js";
import type { Model } from "../model/model.js";
import type { ModelConfig } from "../weights/model-config.js";

/** Which activations are kept for the backward pass; the others are recomputed, bit for bit. */
export type Checkpointing = "none" | "layer";

/** Greatest number of logits that are kept: 1 GiB, or 1,765 tokens with a vocabulary of 152,000. */
const MAX_KEPT_LOGITS = 2 ** 28;

/** What a workspace is made for. */
export interface WorkspaceOptions {
  readonly rows: number;
  readonly targets: number;
  /** Blocks of one layer's keys and values. */
  readonly numBlocks: number;
  readonly checkpointing: Checkpointing;
  readonly backward: boolean;
  /** Whether layers share what is cheap to compute again. */
  readonly sharesTransients: boolean;
}

/** Device memory for one batch of up to `rows` rows and `targets` targets. */
export class Workspace {
  readonly rows: number;
  readonly targets: number;
  readonly numBlocks: number;
  /** [R, D]: the residual stream before each layer, and after the last. */
  readonly streams: readonly Tensor[];
  /** One per layer, or one for all. */
  readonly layers: readonly LayerActivations[];
  /** One layer's keys and values: layers are computed one after another. */
  readonly cache: KvCache;
  /** [N, D] rows that predict a target: gathered, normalised, and 1 / rms [N]. */
  readonly gathered: Tensor;
  readonly normed: Tensor;
  readonly rstd: Tensor;
  /** [N] i32 */
  readonly predictors: Tensor;
  readonly targetIds: Tensor;
  /** [N] f32, stats [N, 2] */
  readonly invTemperature: Tensor;
  readonly logprobs: Tensor;
  readonly entropies: Tensor;
  readonly stats: Tensor;
  /** Logits kept from the forward pass for the backward pass, or null. */
  readonly logits: Tensor | null;
  readonly backward: BackwardBuffers | null;
  readonly #arena: Arena;

  /** @throws OutOfMemoryError */
  constructor(model: Pick<Model, "device" | "config">, options: WorkspaceOptions) {
    const { rows, targets, numBlocks } = options;
    const { config } = model;
    const { width, layers: count, kvHeads, headDim } = config;
    const arena = new Arena(model.device);
    this.#arena = arena;
    this.rows = rows;
    this.targets = targets;
    this.numBlocks = numBlocks;
    try {
      const keepAll = options.backward && options.checkpointing === "none";
      const numStreams = options.backward ? count + 1 : 2;
      const streams = Array.from({ length: numStreams }, () => arena.f32(rows * width));
      this.streams = Array.from({ length: count + 1 }, (_, i) => streams[i % numStreams] as Tensor);
      const isShared = options.sharesTransients || !keepAll;
      const transient = isShared ? transientActivations(arena, config, rows) : undefined;
      const shared = keepAll ? null : layerActivations(arena, config, { rows, transient });
      this.layers = Array.from(
        { length: count },
        () => shared ?? layerActivations(arena, config, { rows, transient }),
      );
      this.cache = arena.kvCache({ numBlocks, kvHeads, headDim });
      this.gathered = arena.f32(targets * width);
      this.normed = arena.f32(targets * width);
      this.rstd = arena.f32(targets);
      this.predictors = arena.i32(targets);
      this.targetIds = arena.i32(targets);
      this.invTemperature = arena.f32(targets);
      this.logprobs = arena.f32(targets);
      this.entropies = arena.f32(targets);
      this.stats = arena.f32(2 * targets);
      const logits = ops.keptLogitsLength(targets, config.vocabularySize);
      this.logits = keepAll && logits <= MAX_KEPT_LOGITS ? arena.f32(logits) : null;
      this.backward = options.backward
        ? {
            layer: layerGradients(arena, config, rows),
            dx: arena.f32(rows * width),
            dNormed: arena.f32(targets * width),
            dGathered: arena.f32(targets * width),
            dLogprob: arena.f32(targets),
            dEntropy: arena.f32(targets),
          }
        : null;
    } catch (error) {
      arena.free();
      throw error;
    }
  }

  /** Returns whether a batch of this size fits. */
  fits(size: { rows: number; targets: number; numBlocks: number }): boolean {
    return (
      size.rows <= this.rows && size.targets <= this.targets && size.numBlocks <= this.numBlocks
    );
  }

  free(): void {
    this.#arena.free();
  }
}

/** Gradients of activations, f32. */
export interface BackwardBuffers {
  readonly layer: LayerGradients;
  /** [R, D] */
  readonly dx: Tensor;
  /** [N, D] */
  readonly dNormed: Tensor;
  readonly dGathered: Tensor;
  /** [N] */
  readonly dLogprob: Tensor;
  readonly dEntropy: Tensor;
}

/**
 * Returns how many rows' activations fit into this many bytes, logits included, if every row predicts a target.
 *
 * @param options.sharesTransients  whether layers share the activations that are cheap to recompute
 * @returns                         at least 1
 */
export function rowsThatFit(
  config: ModelConfig,
  bytes: number,
  { sharesTransients }: { sharesTransients: boolean },
): number {
  const transients = sharesTransients ? 0 : 2 * config.width + config.intermediateSize;
  const layers = config.layers * (layerElementsPerRow(config) + config.width + transients);
  const perRow = Float32Array.BYTES_PER_ELEMENT * (layers + config.vocabularySize);
  return Math.max(1, Math.floor(bytes / perRow));
}

/** Number of KV cache blocks that a run of tokens takes. */
export function blocksFor(tokens: number): number {
  return Math.ceil(tokens / KV_BLOCK);
}
