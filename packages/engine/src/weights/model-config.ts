import { shownValue } from "@gumshoe/core";
import type { RopeScaling } from "@gumshoe/kernels";

import { ModelConfigError } from "../errors.js";
import type { AdapterConfig } from "./adapter-config.js";
import { ConfigFields, MAX_LAYERS } from "./config-fields.js";
import { parseRotary } from "./rotary-config.js";
import { refuseUnsupported } from "./unsupported-fields.js";

const MODEL_TYPES = ["qwen2", "qwen3", "llama"] as const;

/** The shape of a decoder-only model and the numbers its forward pass needs. */
export interface ModelConfig {
  readonly modelType: (typeof MODEL_TYPES)[number];
  readonly vocabularySize: number;
  /** Size D of the residual stream. */
  readonly width: number;
  readonly intermediateSize: number;
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly normEps: number;
  /** True when the head is the embedding table. */
  readonly tiedHead: boolean;
  /** True when the query, key and value projections have a bias. */
  readonly attentionBias: boolean;
  /** True when the attention's output projection has a bias. */
  readonly outputBias: boolean;
  /** True when queries and keys are normalised per head before they are rotated. */
  readonly queryKeyNorm: boolean;
  readonly maxPositions: number;
  /** May be empty: the tokenizer can name more. */
  readonly eosTokenIds: readonly number[];
  /** The LoRA adapter that is trained while the model's own weights are frozen; null without one. */
  readonly adapter: AdapterConfig | null;
}

/**
 * Reads a Hugging Face `config.json`, in the layout of Transformers 5 (`rope_parameters`) or of earlier versions
 * (`rope_theta`, `rope_scaling`). The result has no adapter.
 *
 * @throws ModelConfigError naming a field that is missing, wrong or unsupported
 */
export function parseModelConfig(json: unknown): ModelConfig {
  const fields = ConfigFields.of(json);
  const modelType = MODEL_TYPES.find((type) => type === fields.raw("model_type"));
  if (modelType === undefined) {
    const given = shownValue(fields.raw("model_type") ?? null);
    throw new ModelConfigError("model_type", `is ${given}; known are ${MODEL_TYPES.join(", ")}`);
  }
  refuseUnsupported(fields, modelType);
  const width = fields.size("hidden_size", { most: 65_536 });
  const heads = fields.size("num_attention_heads", { most: 1024 });
  const kvHeads = fields.size("num_key_value_heads", { fallback: heads });
  if (heads % kvHeads !== 0) {
    const problem = `is ${kvHeads}, which does not divide num_attention_heads (${heads})`;
    throw new ModelConfigError("num_key_value_heads", problem);
  }
  const bias = modelType !== "qwen2" && fields.flag("attention_bias", false);
  return {
    modelType,
    vocabularySize: fields.size("vocab_size", { most: 4_194_304 }),
    width,
    intermediateSize: fields.size("intermediate_size", { most: 1_048_576 }),
    layers: fields.size("num_hidden_layers", { most: MAX_LAYERS }),
    heads,
    kvHeads,
    headDim: headDimOf(fields, { modelType, width, heads }),
    ...parseRotary(fields),
    normEps: fields.positive("rms_norm_eps", 1e-6),
    tiedHead: fields.flag("tie_word_embeddings", false),
    attentionBias: modelType === "qwen2" || bias,
    outputBias: bias,
    queryKeyNorm: modelType === "qwen3",
    maxPositions: fields.size("max_position_embeddings", {
      fallback: modelType === "llama" ? 2048 : 32768,
      most: 16_777_216,
    }),
    eosTokenIds: endTokens(fields),
    adapter: null,
  };
}

function headDimOf(
  fields: ConfigFields,
  shape: { modelType: ModelConfig["modelType"]; width: number; heads: number },
): number {
  // Without the field, Transformers gives Qwen3 heads of 128, and divides the width among the heads of other
  // models.
  const fallback = shape.modelType === "qwen3" ? 128 : shape.width / shape.heads;
  if (fields.raw("head_dim") === undefined && !Number.isInteger(fallback)) {
    const problem = `is ${shape.heads}, which does not divide hidden_size (${shape.width})`;
    throw new ModelConfigError("num_attention_heads", problem);
  }
  const headDim = fields.size("head_dim", { fallback, most: 8192 });
  if (headDim % 2 === 0) return headDim;
  throw new ModelConfigError("head_dim", `is ${headDim}; rotary positions need an even number`);
}

function endTokens(fields: ConfigFields): number[] {
  const ids = fields.ids("eos_token_id");
  const size = fields.size("vocab_size");
  const beyond = ids.find((id) => id >= size);
  if (beyond === undefined) return ids;
  throw new ModelConfigError("eos_token_id", `is ${beyond}, but vocab_size is ${size}`);
}
