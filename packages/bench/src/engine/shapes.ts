import { InvalidArgumentError } from "@gumshoe/core";
import { type ModelConfig, parseModelConfig } from "@gumshoe/engine";

/** Model shapes with published figures. */
export const SHAPES = ["2m", "25m", "0.5b"] as const;
/** Name of a shape. */
export type ShapeName = (typeof SHAPES)[number];

/** Vocabulary, hidden, intermediate, layers, heads, kv heads. */
const SIZES: Record<ShapeName, readonly [number, number, number, number, number, number]> = {
  "2m": [512, 192, 512, 4, 6, 2],
  "25m": [4096, 512, 1408, 8, 8, 4],
  "0.5b": [151_936, 896, 4864, 24, 14, 2],
};

/** Returns the model of a shape: Qwen2, tied head. */
export function shapeConfig(name: ShapeName): ModelConfig {
  return parseModelConfig(shapeFields(name));
}

/** Returns the `config.json` of a shape. */
export function shapeFields(name: ShapeName): Readonly<Record<string, unknown>> {
  const sizes = SIZES[name];
  if (sizes === undefined) {
    throw new InvalidArgumentError("--shape", `${name} is not one of ${SHAPES.join(", ")}`);
  }
  const [vocabulary, hidden, intermediate, layers, heads, kvHeads] = sizes;
  return {
    model_type: "qwen2",
    vocab_size: vocabulary,
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: 4096,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    use_sliding_window: false,
    initializer_range: 0.02,
    eos_token_id: 0,
    hidden_act: "silu",
  };
}
