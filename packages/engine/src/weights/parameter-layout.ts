import { type ModelConfig } from "./model-config.js";

/** Where one parameter lies in the flat vector. */
export interface ParameterEntry {
  /** Transformers' name. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

/** All parameters of a model in canonical order: one flat vector. */
export interface ParameterLayout {
  readonly entries: readonly ParameterEntry[];
  readonly numParameters: number;
  /** @throws RangeError when the model has no such parameter */
  find(name: string): ParameterEntry;
}

/**
 * Lays the parameters of a model out in the order in which the model uses them. A tied head has no
 * `lm_head.weight`.
 */
export function parameterLayout(config: ModelConfig): ParameterLayout {
  const entries: ParameterEntry[] = [];
  const byName = new Map<string, ParameterEntry>();
  let start = 0;
  for (const [name, shape] of namesAndShapes(config)) {
    const end = start + shape.reduce((product, size) => product * size, 1);
    const entry = { name, shape, start, end };
    entries.push(entry);
    byName.set(name, entry);
    start = end;
  }
  const find = (name: string): ParameterEntry => {
    const entry = byName.get(name);
    if (entry === undefined) throw new RangeError(`this model has no parameter ${name}`);
    return entry;
  };
  return { entries, numParameters: start, find };
}

function* namesAndShapes(config: ModelConfig): Generator<[name: string, shape: number[]]> {
  const { width, vocabularySize } = config;
  yield ["model.embed_tokens.weight", [vocabularySize, width]];
  for (let layer = 0; layer < config.layers; layer++) {
    yield* layerNamesAndShapes(config, `model.layers.${layer}`);
  }
  yield ["model.norm.weight", [width]];
  if (!config.tiedHead) yield ["lm_head.weight", [vocabularySize, width]];
}

function* layerNamesAndShapes(
  config: ModelConfig,
  prefix: string,
): Generator<[name: string, shape: number[]]> {
  const { width, intermediateSize, heads, kvHeads, headDim } = config;
  const attention = `${prefix}.self_attn`;
  yield [`${prefix}.input_layernorm.weight`, [width]];
  for (const [name, count] of [
    ["q_proj", heads],
    ["k_proj", kvHeads],
    ["v_proj", kvHeads],
  ] as const) {
    yield [`${attention}.${name}.weight`, [count * headDim, width]];
    if (config.attentionBias) yield [`${attention}.${name}.bias`, [count * headDim]];
  }
  if (config.queryKeyNorm) {
    yield [`${attention}.q_norm.weight`, [headDim]];
    yield [`${attention}.k_norm.weight`, [headDim]];
  }
  yield [`${attention}.o_proj.weight`, [width, heads * headDim]];
  if (config.outputBias) yield [`${attention}.o_proj.bias`, [width]];
  yield [`${prefix}.post_attention_layernorm.weight`, [width]];
  yield [`${prefix}.mlp.gate_proj.weight`, [intermediateSize, width]];
  yield [`${prefix}.mlp.up_proj.weight`, [intermediateSize, width]];
  yield [`${prefix}.mlp.down_proj.weight`, [width, intermediateSize]];
}
