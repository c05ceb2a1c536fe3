import { type Device, ops, type Tensor } from "@gumshoe/kernels";

import { type ModelConfig } from "../weights/model-config.js";
import { type ParameterLayout } from "../weights/parameter-layout.js";
import { Arena } from "./activations.js";

/** A linear layer: its weight [n, k] in the forms that products need. */
export interface LinearWeights {
  readonly name: string;
  readonly n: number;
  readonly k: number;
  /** Packed for y = x W^T. */
  readonly packed: Tensor;
  /** Packed for dx = dy W; null on a model that only samples. */
  readonly packedT: Tensor | null;
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

/** Makes views of a flat vector, and the packed copies beside it. */
export class Parameters {
  /** All parameters in canonical order [numParameters] f32. */
  readonly flat: Tensor;
  readonly embedding: Tensor;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm: Tensor;
  readonly head: LinearWeights;
  readonly #device: Device;
  readonly #arena: Arena;
  readonly #layout: ParameterLayout;
  readonly #training: boolean;
  readonly #linears: LinearWeights[] = [];

  /** @throws OutOfMemoryError */
  constructor(options: {
    device: Device;
    config: ModelConfig;
    layout: ParameterLayout;
    training: boolean;
  }) {
    const { device, config, layout } = options;
    this.#device = device;
    this.#arena = new Arena(device);
    this.#layout = layout;
    this.#training = options.training;
    try {
      this.flat = this.#arena.f32(layout.numParameters);
      this.embedding = this.#view("model.embed_tokens.weight");
      this.layers = Array.from({ length: config.layers }, (_, index) => this.#layer(config, index));
      this.finalNorm = this.#view("model.norm.weight");
      this.head = this.#linear(config.tiedHead ? "model.embed_tokens" : "lm_head", false);
    } catch (error) {
      this.#arena.free();
      throw error;
    }
  }

  /** Makes the packed copies again, after the flat vector was written. */
  pack(): void {
    const list = this.#device.createCommandList();
    for (const { name, n, k, packed, packedT } of this.#linears) {
      const w = this.#view(`${name}.weight`);
      ops.packMatrix(list, { w, packed, n, k, transposed: false });
      if (packedT !== null) ops.packMatrix(list, { w, packed: packedT, n, k, transposed: true });
    }
    list.run();
  }

  free(): void {
    this.#arena.free();
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
    const [n, k] = this.#layout.find(`${name}.weight`).shape as [number, number];
    const packed = this.#arena.f32(ops.packedLength(n, k));
    const packedT = this.#training ? this.#arena.f32(ops.packedLength(n, k)) : null;
    const bias = withBias ? this.#view(`${name}.bias`) : null;
    const linear = { name, n, k, packed, packedT, bias };
    this.#linears.push(linear);
    return linear;
  }

  #view(name: string): Tensor {
    return sliceOf(this.flat, this.#layout, name);
  }
}

/** Returns the part of a flat vector that belongs to one parameter. */
export function sliceOf(flat: Tensor, layout: ParameterLayout, name: string): Tensor {
  const { start, end } = layout.find(name);
  return flat.slice(start, end);
}
