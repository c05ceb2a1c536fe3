import { ModelConfigError } from "../errors.js";
import { type ConfigFields } from "./config-fields.js";

/** Names of the classes in `architectures`, by model type: without a head, and with that for text. */
const CLASSES: Readonly<Record<string, string>> = {
  qwen2: "Qwen2",
  qwen3: "Qwen3",
  llama: "Llama",
};

/**
 * Fields of related architectures that change what is computed, with the values that change nothing. A
 * fine-tune that sets one of them is another model, whatever its `model_type` says.
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
  ["is_causal", true],
  ["use_bidirectional_attention", false],
];

/**
 * Refuses a config that asks for what is not computed here.
 *
 * @throws ModelConfigError naming the field
 */
export function refuseUnsupported(fields: ConfigFields, modelType: string): void {
  refuseOtherHeads(fields, CLASSES[modelType] ?? "");
  const activation = fields.raw("hidden_act") ?? "silu";
  if (activation !== "silu") {
    throw new ModelConfigError("hidden_act", `is ${JSON.stringify(activation)}; only silu is here`);
  }
  if (usesSlidingWindow(fields, modelType)) {
    throw new ModelConfigError("sliding_window", "is in use; only full attention is here");
  }
  if (fields.raw("quantization_config") !== undefined) {
    throw new ModelConfigError("quantization_config", "is set; only plain weights are here");
  }
  for (const [field, ...neutral] of NEUTRAL) {
    const value = fields.raw(field);
    if (value === undefined || neutral.includes(value)) continue;
    const problem = `is ${JSON.stringify(value).slice(0, 80)}, which is not computed here`;
    throw new ModelConfigError(field, problem);
  }
}

/** A classifier or a reward model has a head that is not the one of the vocabulary. */
function refuseOtherHeads(fields: ConfigFields, family: string): void {
  const given = fields.raw("architectures");
  if (!Array.isArray(given)) return;
  const known = [`${family}ForCausalLM`, `${family}Model`];
  const other = (given as unknown[]).find((name) => !known.includes(String(name)));
  if (other === undefined) return;
  const problem = `holds ${JSON.stringify(other)}; known are ${known.join(", ")}`;
  throw new ModelConfigError("architectures", problem);
}

/** A window is in use when a layer has one: `layer_types` says which, or the older rule does. */
function usesSlidingWindow(fields: ConfigFields, modelType: string): boolean {
  const layerTypes = fields.raw("layer_types");
  if (Array.isArray(layerTypes)) return layerTypes.some((type) => type !== "full_attention");
  if (fields.raw("sliding_window") === undefined) return false;
  // Llama has no switch for it: a file that names a window was made by another architecture.
  if (modelType === "llama") return true;
  if (!fields.flag("use_sliding_window", false)) return false;
  return fields.size("num_hidden_layers") > fields.count("max_window_layers", 28);
}
