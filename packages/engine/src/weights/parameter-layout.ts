import { UnknownParameterError } from "../errors.js";
import type { ModelConfig } from "./model-config.js";

/** One parameter and its range in the flat vector. */
export interface ParameterEntry {
  /** Transformers' name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** [outputs, inputs] of a matrix, [size] of a vector. */
  readonly shape: readonly number[];
  /** First element in the flat vector. */
  readonly start: number;
  /** One past the last element. */
  readonly end: number;
}

/** The canonical order of a model's parameters, which defines the flat vector. */
export interface ParameterLayout {
  readonly entries: readonly ParameterEntry[];
  readonly numParameters: number;
  /** @throws UnknownParameterError */
  readonly find: (name: string) => ParameterEntry;
}

/** A parameter of a layout to be made. */
export type NamedShape = readonly [name: string, shape: readonly number[]];

/**
 * Lays out the parameters of a model: embedding, layers from first to last, final norm, and the head unless it is
 * tied.
 */
export function parameterLayout(config: ModelConfig): ParameterLayout {
  const { vocabularySize, width } = config;
  const shapes: NamedShape[] = [["model.embed_tokens.weight", [vocabularySize, width]]];
  for (let layer = 0; layer < config.layers; layer++) shapes.push(...layerShapes(config, layer));
  shapes.push(["model.norm.weight", [width]]);
  if (!config.tiedHead) shapes.push(["lm_head.weight", [vocabularySize, width]]);
  return layoutOf(shapes);
}

/** Lays out parameters one after the other. */
export function layoutOf(shapes: readonly NamedShape[]): ParameterLayout {
  const byName = new Map<string, ParameterEntry>();
  let numParameters = 0;
  for (const [name, shape] of shapes) {
    const start = numParameters;
    numParameters += shape.reduce((product, size) => product * size, 1);
    byName.set(name, { name, shape, start, end: numParameters });
  }
  return {
    entries: [...byName.values()],
    numParameters,
    find(name) {
      const entry = byName.get(name);
      if (entry === undefined) throw new UnknownParameterError(name);
      return entry;
    },
  };
}

function layerShapes(config: ModelConfig, layer: number): NamedShape[] {
  const { width, intermediateSize, headDim, attentionBias, outputBias } = config;
  const prefix = `model.layers.${layer}`;
  const attention = `${prefix}.self_attn`;
  const queryWidth = config.heads * headDim;
  const keyWidth = config.kvHeads * headDim;
  const norms: NamedShape[] = [
    [`${attention}.q_norm.weight`, [headDim]],
    [`${attention}.k_norm.weight`, [headDim]],
  ];
  return [
    [`${prefix}.input_layernorm.weight`, [width]],
    ...linear(`${attention}.q_proj`, [queryWidth, width], attentionBias),
    ...linear(`${attention}.k_proj`, [keyWidth, width], attentionBias),
    ...linear(`${attention}.v_proj`, [keyWidth, width], attentionBias),
    ...(config.queryKeyNorm ? norms : []),
    ...linear(`${attention}.o_proj`, [width, queryWidth], outputBias),
    [`${prefix}.post_attention_layernorm.weight`, [width]],
    ...linear(`${prefix}.mlp.gate_proj`, [intermediateSize, width], false),
    ...linear(`${prefix}.mlp.up_proj`, [intermediateSize, width], false),
    ...linear(`${prefix}.mlp.down_proj`, [width, intermediateSize], false),
  ];
}

function linear(name: string, shape: readonly [number, number], bias: boolean): NamedShape[] {
  const weight: NamedShape = [`${name}.weight`, shape];
  return bias ? [weight, [`${name}.bias`, [shape[0]]]] : [weight];
}
