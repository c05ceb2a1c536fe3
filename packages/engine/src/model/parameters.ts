import { ops, type Tensor } from "@gumshoe/kernels";

import { UnknownParameterError } from "../errors.js";
import { type ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout } from "../weights/parameter-layout.js";
import { type WeightForm, type WeightPiece } from "../weights/weight-form.js";

/** A linear layer: its weight [n, k] in the packed form that all products read. */
export interface LinearWeights {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  readonly packed: Tensor;
  /** [n] f32 or null */
  readonly bias: Tensor | null;
}

/** The parameters of one transformer layer. */
export interface LayerWeights {
  readonly inputNorm: Tensor;
  readonly q: LinearWeights;
  readonly k: LinearWeights;
  readonly v: LinearWeights;
  /** [headDim] f32 each, or null. */
  readonly queryNorm: Tensor | null;
  readonly keyNorm: Tensor | null;
  readonly o: LinearWeights;
  readonly mlpNorm: Tensor;
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** Views of a model's weights in their memory. */
export class Parameters {
  /** [V, D] f32; packed if it is also the head. */
  readonly embedding: Tensor;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: Tensor;
  readonly head: LinearWeights;
  readonly #memory: Tensor;
  readonly #pieces: ReadonlyMap<string, WeightPiece>;

  /** @param memory  [form.length] f32 */
  constructor(config: ModelConfig, form: WeightForm, memory: Tensor) {
    this.#memory = memory;
    this.#pieces = new Map(form.pieces.map((piece) => [piece.name, piece]));
    this.embedding = this.#view("model.embed_tokens.weight");
    this.layers = Array.from({ length: config.layers }, (_, index) => this.#layer(config, index));
    this.finalNorm = this.#view("model.norm.weight");
    this.head = this.#linear(config.tiedHead ? "model.embed_tokens" : "lm_head", false);
  }

  #layer(config: ModelConfig, index: number): LayerWeights {
    const prefix = `model.layers.${index}`;
    const attention = `${prefix}.self_attn`;
    const norm = (name: string) =>
      config.queryKeyNorm ? this.#view(`${attention}.${name}`) : null;
    return {
      inputNorm: this.#view(`${prefix}.input_layernorm.weight`),
      q: this.#linear(`${attention}.q_proj`, config.attentionBias),
      k: this.#linear(`${attention}.k_proj`, config.attentionBias),
      v: this.#linear(`${attention}.v_proj`, config.attentionBias),
      queryNorm: norm("q_norm.weight"),
      keyNorm: norm("k_norm.weight"),
      o: this.#linear(`${attention}.o_proj`, config.outputBias),
      mlpNorm: this.#view(`${prefix}.post_attention_layernorm.weight`),
      gate: this.#linear(`${prefix}.mlp.gate_proj`, false),
      up: this.#linear(`${prefix}.mlp.up_proj`, false),
      down: this.#linear(`${prefix}.mlp.down_proj`, false),
    };
  }

  #linear(name: string, withBias: boolean): LinearWeights {
    const { matrix } = this.#piece(`${name}.weight`);
    if (matrix === null) throw new Error(`${name}.weight is not packed`);
    const bias = withBias ? this.#view(`${name}.bias`) : null;
    return { name, ...matrix, packed: this.#view(`${name}.weight`), bias };
  }

  #view(name: string): Tensor {
    const { start, end, offset, matrix } = this.#piece(name);
    const length = matrix === null ? end - start : ops.packedLength(matrix.n, matrix.k);
    return this.#memory.slice(offset, offset + length);
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
