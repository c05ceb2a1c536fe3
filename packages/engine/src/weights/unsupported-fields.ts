import { shownValue } from "@gumshoe/core";

import { ModelConfigError } from "../errors.js";
import { type ConfigFields, MAX_LAYERS } from "./config-fields.js";

/** Class names in `architectures` by model type: without a head, and with a language model head. */
const CLASSES: Readonly<Record<string, string>> = {
  qwen2: "Qwen2",
  qwen3: "Qwen3",
  llama: "Llama",
};

/**
 * Fields of related architectures that change the computation, with the values that do not. A fine-tune that sets
 * one of them is another model, whatever its `model_type`.
 */
const NEUTRAL: readonly (readonly [field: string, ...values: readonly unknown[]])[] = [
  ["mlp_bias", false],
  ["use_bias", false],
  ["bias", false],
  ["attention_out_bias", false],
  ["clip_qkv"],
  ["qk_layernorm", false],
  ["qk_norm", false],
  ["attn_logit_softcapping"],
  ["final_logit_softcapping"],
  ["logit_scale", 1],
  ["logits_scaling", 1],
  ["embedding_multiplier", 1],
  ["residual_multiplier", 1],
  ["scale_emb", 1],
  ["scale_depth"],
  ["attention_multiplier"],
  ["query_pre_attn_scalar"],
  ["rotary_pct", 1],
  ["rotary_dim"],
  ["rope_interleaved", false],
  ["rope_interleave", false],
  ["rope_local_base_freq"],
  ["no_rope_layers"],
  ["no_rope_layer_interval", 0],
  ["alibi", false],
  ["parallel_attn", false],
  ["use_parallel_residual", false],
  ["num_experts", 0, 1],
  ["num_local_experts", 0, 1],
  ["n_routed_experts", 0],
  ["kv_lora_rank"],
  ["cross_attention_layers"],
  ["hidden_activation", "silu"],
  ["mlp_hidden_act", "silu"],
  ["no_bias", true],
  ["use_mrope", false],
  ["use_qk_norm", false],
  ["rotary_emb_base"],
  ["rotary_base"],
  ["attention_scale"],
  ["softmax_scale"],
  ["attn_scale"],
  ["lm_head_multiplier", 1],
  ["attention_out_multiplier", 1],
  ["attention_chunk_size"],
  ["attn_temperature_tuning", false],
  ["dual_chunk_attention_config"],
  ["num_kv_shared_layers", 0],
  ["moe_intermediate_size", 0],
  ["num_experts_per_tok", 0],
  ["quantization"],
  ["compression_config"],
  ["is_encoder_decoder", false],
  ["add_cross_attention", false],
  ["is_causal", true],
  ["use_bidirectional_attention", false],
];

/**
 * Refuses a config that requires unsupported computation.
 *
 * @throws ModelConfigError naming the field
 */
export function refuseUnsupported(fields: ConfigFields, modelType: string): void {
  refuseOtherHeads(fields, CLASSES[modelType] ?? "");
  const activation = fields.raw("hidden_act") ?? "silu";
  if (activation !== "silu") {
    throw new ModelConfigError("hidden_act", `is ${shownValue(activation)}; only silu is here`);
  }
  if (usesSlidingWindow(fields, modelType)) {
    throw new ModelConfigError("sliding_window", "is in use; only full attention is here");
  }
  if (fields.raw("quantization_config") !== undefined) {
    throw new ModelConfigError("quantization_config", "is set; only plain weights are here");
  }
  refuseOwnCode(fields);
  for (const [field, ...neutral] of NEUTRAL) {
    const value = fields.raw(field);
    if (value === undefined || neutral.includes(value)) continue;
    const problem = `is ${shownValue(value)}, which is not computed here`;
    throw new ModelConfigError(field, problem);
  }
}

/** A classifier or a reward model has another head than that of the vocabulary. */
function refuseOtherHeads(fields: ConfigFields, family: string): void {
  const given = fields.raw("architectures");
  if (given === undefined) return;
  if (!Array.isArray(given)) throw new ModelConfigError("architectures", "is not a list of names");
  const known = [`${family}ForCausalLM`, `${family}Model`];
  const other = (given as unknown[]).find((name) => !known.some((one) => one === name));
  if (other === undefined) return;
  const problem = `holds ${shownValue(other)}; known are ${known.join(", ")}`;
  throw new ModelConfigError("architectures", problem);
}

/** Custom code in the folder can compute anything, whatever the model type. */
function refuseOwnCode(fields: ConfigFields): void {
  const classes = fields.object("auto_map");
  const name = ["AutoModelForCausalLM", "AutoModel"].find((one) => classes?.raw(one) !== undefined);
  if (name === undefined) return;
  const field = `auto_map.${name}`;
  throw new ModelConfigError(field, "names code of the folder's own, which is not run here");
}

function refuseLayerTypes(fields: ConfigFields, types: readonly unknown[]): void {
  const layers = fields.size("num_hidden_layers", { most: MAX_LAYERS });
  const other = types.find((type) => type !== "full_attention");
  if (other !== undefined) {
    const problem = `holds ${shownValue(other)}; only full_attention is here`;
    throw new ModelConfigError("layer_types", problem);
  }
  if (types.length === layers) return;
  throw new ModelConfigError("layer_types", `has ${types.length} of ${layers} layers`);
}

/** A window is in use if a layer has one: by `layer_types`, or by the older rule. */
function usesSlidingWindow(fields: ConfigFields, modelType: string): boolean {
  const layerTypes = fields.raw("layer_types");
  if (Array.isArray(layerTypes)) {
    refuseLayerTypes(fields, layerTypes);
    return false;
  }
  if (fields.raw("sliding_window") === undefined) return false;
  // Llama has no such field, so a file with a window comes from another architecture.
  if (modelType === "llama") return true;
  if (!fields.flag("use_sliding_window", false)) return false;
  return fields.size("num_hidden_layers") > fields.count("max_window_layers", 28);
}
