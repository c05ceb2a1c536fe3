import {
  createKvCache,
  type Device,
  type KvCache,
  type KvCacheShape,
  type Tensor,
} from "@gumshoe/kernels";

import type { ModelConfig } from "../weights/model-config.js";
import { type LinearName, LINEARS } from "./parameters.js";

/**
 * Activations of one layer for R rows that the backward pass can recompute, bit for bit, in two or three percent of
 * a step's time; all f32. They are a third of all activations; when memory is short, one set serves all layers.
 */
export interface TransientActivations {
  /** [R, D] after the first norm and after the second */
  readonly normed: Tensor;
  readonly mlpNormed: Tensor;
  /** [R, I] */
  readonly gated: Tensor;
}

/** Activations of one layer for R rows, all f32. */
export interface LayerActivations extends TransientActivations {
  /** 1 / rms [R] of the first norm */
  readonly rstd: Tensor;
  /** [R, H * headDim] and [R, K * headDim]: before the query and key norm; null without those norms. */
  readonly qRaw: Tensor | null;
  readonly kRaw: Tensor | null;
  readonly qRstd: Tensor | null;
  readonly kRstd: Tensor | null;
  /** [R, H * headDim] rotated */
  readonly q: Tensor;
  /** [R, K * headDim] rotated, and values */
  readonly k: Tensor;
  readonly v: Tensor;
  /** [R, H * headDim], and per row and head its maximum and 1 / sum [R, H, 2] */
  readonly attended: Tensor;
  readonly stats: Tensor;
  /** [R, D] the residual stream between attention and MLP */
  readonly middle: Tensor;
  readonly mlpRstd: Tensor;
  /** [R, I] */
  readonly gate: Tensor;
  readonly up: Tensor;
  /** [R, rank] of each adapted linear layer: scale x A^T; null without an adapter of it. */
  readonly lowRank: Readonly<Record<LinearName, Tensor | null>>;
}

/** Device memory that is allocated together and freed together. */
export class Arena {
  readonly #device: Device;
  readonly #tensors: Tensor[] = [];

  constructor(device: Device) {
    this.#device = device;
  }

  /** Runs `allocate`; if it throws, frees everything that it had allocated. */
  static transaction<T>(device: Device, allocate: (arena: Arena) => T): T {
    const arena = new Arena(device);
    try {
      return allocate(arena);
    } catch (error) {
      arena.free();
      throw error;
    }
  }

  f32(length: number): Tensor {
    return this.keep(this.#device.alloc("f32", length));
  }

  i32(length: number): Tensor {
    return this.keep(this.#device.alloc("i32", length));
  }

  u32(length: number): Tensor {
    return this.keep(this.#device.alloc("u32", length));
  }

  /** One layer's keys and values. */
  kvCache(shape: KvCacheShape): KvCache {
    const cache = createKvCache(this.#device, shape);
    this.keep(cache.k);
    this.keep(cache.v);
    return cache;
  }

  free(): void {
    for (const tensor of this.#tensors) this.#device.free(tensor);
    this.#tensors.length = 0;
  }

  /** Takes ownership of a tensor that was allocated elsewhere; it is freed with the others. */
  keep(tensor: Tensor): Tensor {
    this.#tensors.push(tensor);
    return tensor;
  }
}

/** Allocates the buffers that layers share, for up to `rows` rows. */
export function transientActivations(
  arena: Arena,
  { width, intermediateSize }: ModelConfig,
  rows: number,
): TransientActivations {
  return {
    normed: arena.f32(rows * width),
    mlpNormed: arena.f32(rows * width),
    gated: arena.f32(rows * intermediateSize),
  };
}

/**
 * Allocates the activations of one layer for up to `rows` rows.
 *
 * @param transient  buffers shared with other layers; default: a set of this layer's own
 */
export function layerActivations(
  arena: Arena,
  config: ModelConfig,
  { rows, transient }: { rows: number; transient?: TransientActivations | undefined },
): LayerActivations {
  const { width, intermediateSize, heads, kvHeads, headDim, queryKeyNorm } = config;
  const wide = rows * heads * headDim;
  const narrow = rows * kvHeads * headDim;
  const normOnly = (length: number) => (queryKeyNorm ? arena.f32(length) : null);
  return {
    ...(transient ?? transientActivations(arena, config, rows)),
    rstd: arena.f32(rows),
    qRaw: normOnly(wide),
    kRaw: normOnly(narrow),
    qRstd: normOnly(rows * heads),
    kRstd: normOnly(rows * kvHeads),
    q: arena.f32(wide),
    k: arena.f32(narrow),
    v: arena.f32(narrow),
    attended: arena.f32(wide),
    stats: arena.f32(rows * heads * 2),
    middle: arena.f32(rows * width),
    mlpRstd: arena.f32(rows),
    gate: arena.f32(rows * intermediateSize),
    up: arena.f32(rows * intermediateSize),
    lowRank: lowRankActivations(arena, config, rows),
  };
}

function lowRankActivations(
  arena: Arena,
  { adapter }: ModelConfig,
  rows: number,
): LayerActivations["lowRank"] {
  const isAdapted = (name: LinearName) => adapter?.targets.includes(`${name}_proj`) ?? false;
  const tensors = LINEARS.map((name) => [
    name,
    isAdapted(name) ? arena.f32(rows * (adapter?.rank ?? 0)) : null,
  ]);
  return Object.fromEntries(tensors) as Record<LinearName, Tensor | null>;
}

/** Number of elements that {@link layerActivations} allocates per row, without the shared buffers. */
export function layerElementsPerRow(config: ModelConfig): number {
  const { width, intermediateSize, heads, kvHeads, headDim, queryKeyNorm, adapter } = config;
  const [wide, narrow] = [heads * headDim, kvHeads * headDim];
  const norms = queryKeyNorm ? wide + narrow + heads + kvHeads : 0;
  const lowRank = adapter === null ? 0 : adapter.targets.length * adapter.rank;
  return lowRank + norms + 2 * wide + 2 * narrow + 2 * heads + width + 2 * intermediateSize + 2;
}
