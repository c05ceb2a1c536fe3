import { ops, type Tensor } from "@gumshoe/kernels";

import { UnknownParameterError } from "../errors.js";
import { adapterScale } from "../weights/adapter-config.js";
import { factorName } from "../weights/adapter-layout.js";
import type { ModelConfig } from "../weights/model-config.js";
import type { ParameterLayout } from "../weights/parameter-layout.js";
import type { WeightForm, WeightPiece } from "../weights/weight-form.js";

/** A linear layer: its weight [n, k] in the packed form that all products read. */
export interface LinearWeights {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  readonly packed: Tensor;
  /** [n] f32 or null */
  readonly bias: Tensor | null;
  readonly adapter: LinearAdapter | null;
}

/** The low-rank change of a linear layer: y += scale (x A^T) B^T, both factors packed. */
export interface LinearAdapter {
  readonly rank: number;
  readonly scale: number;
  /** [rank, k] */
  readonly a: Tensor;
  /** [n, rank] */
  readonly b: Tensor;
}

/** The linear layers of a transformer layer; Transformers names them so, with `_proj` behind it. */
export const LINEARS = ["q", "k", "v", "o", "gate", "up", "down"] as const;
/** One of them. */
export type LinearName = (typeof LINEARS)[number];

/** The parameters of one transformer layer. */
export interface LayerWeights extends Readonly<Record<LinearName, LinearWeights>> {
  readonly inputNorm: Tensor;
  /** [headDim] f32 each, or null. */
  readonly queryNorm: Tensor | null;
  readonly keyNorm: Tensor | null;
  readonly mlpNorm: Tensor;
}

/** Weights in memory, in their form. */
export interface PlacedWeights {
  readonly form: WeightForm;
  /** [form.length] f32 */
  readonly memory: Tensor;
}

/** Views of a model's weights in their memory. */
export class Parameters {
  /** [V, D] f32; packed if it is also the head. */
  readonly embedding: Tensor;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: Tensor;
  readonly head: LinearWeights;
  readonly #config: ModelConfig;
  readonly #base: WeightViews;
  readonly #adapter: WeightViews | null;

  /** @param adapter  the weights of the adapter that the config describes; null without one */
  constructor(config: ModelConfig, base: PlacedWeights, adapter: PlacedWeights | null) {
    this.#config = config;
    this.#base = new WeightViews(base);
    this.#adapter = adapter === null ? null : new WeightViews(adapter);
    this.embedding = this.#base.view("model.embed_tokens.weight");
    this.layers = Array.from({ length: config.layers }, (_, index) => this.#layer(index));
    this.finalNorm = this.#base.view("model.norm.weight");
    this.head = this.#linear(config.tiedHead ? "model.embed_tokens" : "lm_head", false);
  }

  #layer(index: number): LayerWeights {
    const config = this.#config;
    const prefix = `model.layers.${index}`;
    const attention = `${prefix}.self_attn`;
    const norm = (name: string) =>
      config.queryKeyNorm ? this.#base.view(`${attention}.${name}`) : null;
    return {
      inputNorm: this.#base.view(`${prefix}.input_layernorm.weight`),
      q: this.#linear(`${attention}.q_proj`, config.attentionBias),
      k: this.#linear(`${attention}.k_proj`, config.attentionBias),
      v: this.#linear(`${attention}.v_proj`, config.attentionBias),
      queryNorm: norm("q_norm.weight"),
      keyNorm: norm("k_norm.weight"),
      o: this.#linear(`${attention}.o_proj`, config.outputBias),
      mlpNorm: this.#base.view(`${prefix}.post_attention_layernorm.weight`),
      gate: this.#linear(`${prefix}.mlp.gate_proj`, false),
      up: this.#linear(`${prefix}.mlp.up_proj`, false),
      down: this.#linear(`${prefix}.mlp.down_proj`, false),
    };
  }

  #linear(name: string, withBias: boolean): LinearWeights {
    const matrix = this.#base.matrix(`${name}.weight`);
    const bias = withBias ? this.#base.view(`${name}.bias`) : null;
    const packed = this.#base.view(`${name}.weight`);
    return { name, ...matrix, packed, bias, adapter: this.#adapterOf(name) };
  }

  #adapterOf(module: string): LinearAdapter | null {
    const { adapter } = this.#config;
    const views = this.#adapter;
    if (adapter === null || views === null || !views.has(factorName(module, "A"))) return null;
    return {
      rank: adapter.rank,
      scale: adapterScale(adapter),
      a: views.view(factorName(module, "A")),
      b: views.view(factorName(module, "B")),
    };
  }
}

/** Weights by name. */
class WeightViews {
  readonly #memory: Tensor;
  readonly #pieces: ReadonlyMap<string, WeightPiece>;

  constructor({ form, memory }: PlacedWeights) {
    this.#memory = memory;
    this.#pieces = new Map(form.pieces.map((piece) => [piece.name, piece]));
  }

  has(name: string): boolean {
    return this.#pieces.has(name);
  }

  /** The part of the memory that holds one parameter. */
  view(name: string): Tensor {
    const { start, end, offset, matrix } = this.#piece(name);
    const length = matrix === null ? end - start : ops.packedLength(matrix.n, matrix.k);
    return this.#memory.slice(offset, offset + length);
  }

  /** The shape of a packed matrix. */
  matrix(name: string): { n: number; k: number } {
    const { matrix } = this.#piece(name);
    if (matrix === null) throw new Error(`${name} is not packed`);
    return matrix;
  }

  #piece(name: string): WeightPiece {
    const piece = this.#pieces.get(name);
    if (piece === undefined) throw new UnknownParameterError(name);
    return piece;
  }
}

/** Returns the part of a flat vector that holds one parameter. */
export function sliceOf(flat: Tensor, layout: ParameterLayout, name: string): Tensor {
  const { start, end } = layout.find(name);
  return flat.slice(start, end);
}
