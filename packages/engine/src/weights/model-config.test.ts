import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { ModelConfigError } from "../errors.js";
import { parseModelConfig } from "./model-config.js";

function golden(name: string): Record<string, unknown> {
  const file = new URL(`../../../../test/golden/${name}/config.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

function fieldRefused(json: unknown): string {
  try {
    parseModelConfig(json);
  } catch (error) {
    if (error instanceof ModelConfigError) return error.field;
    throw error;
  }
  return "nothing";
}

test("a Qwen2 config in the layout of Transformers 5 is read", () => {
  expect(parseModelConfig(golden("qwen2"))).toEqual({
    modelType: "qwen2",
    vocabularySize: 264,
    width: 64,
    intermediateSize: 112,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    ropeTheta: 1e6,
    ropeScaling: null,
    normEps: 1e-6,
    tiedHead: false,
    attentionBias: true,
    outputBias: false,
    queryKeyNorm: false,
    maxPositions: 512,
    eosTokenIds: [1],
    adapter: null,
  });
});

test("a Llama 3 config in the older layout is read, with its scaled rotary embedding", () => {
  const config = parseModelConfig(golden("llama3"));
  expect(config).toMatchObject({ modelType: "llama", ropeTheta: 5e5, attentionBias: false });
  expect(config.ropeScaling).toEqual({
    type: "llama3",
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositions: 64,
  });
});

test("Qwen3 has head norms and a head size of its own", () => {
  const config = parseModelConfig(golden("qwen3"));
  expect(config).toMatchObject({ queryKeyNorm: true, headDim: 32, width: 64, tiedHead: true });
});

test("the oldest spelling of linear scaling is read", () => {
  const json = { ...golden("llama3"), rope_scaling: { type: "linear", factor: 2 } };
  expect(parseModelConfig(json).ropeScaling).toEqual({ type: "linear", factor: 2 });
});

test("a Llama with attention biases also has one on its output, a Qwen2 never", () => {
  const llama = parseModelConfig({ ...golden("llama3"), attention_bias: true });
  expect([llama.attentionBias, llama.outputBias]).toEqual([true, true]);
  const qwen = parseModelConfig({ ...golden("qwen2"), attention_bias: false });
  expect([qwen.attentionBias, qwen.outputBias]).toEqual([true, false]);
});

test("several end tokens are kept in order", () => {
  expect(parseModelConfig({ ...golden("qwen2"), eos_token_id: [7, 3] }).eosTokenIds).toEqual([
    7, 3,
  ]);
  expect(parseModelConfig({ ...golden("qwen2"), eos_token_id: null }).eosTokenIds).toEqual([]);
});

test("a window that is set but unused is ignored", () => {
  const older = { ...golden("qwen2-tied"), sliding_window: 64 };
  expect(fieldRefused(older)).toBe("nothing");
  const used = { ...older, use_sliding_window: true, max_window_layers: 1 };
  expect(fieldRefused(used)).toBe("sliding_window");
});

test.each([
  ["model_type", { model_type: "gpt2" }],
  ["hidden_act", { hidden_act: "gelu" }],
  ["mlp_bias", { mlp_bias: true }],
  ["layer_types", { layer_types: ["full_attention", "sliding_attention"] }],
  ["quantization_config", { quantization_config: { bits: 4 } }],
  ["hidden_size", { hidden_size: null }],
  ["num_hidden_layers", { num_hidden_layers: 1.5 }],
  ["vocab_size", { vocab_size: "264" }],
  ["num_key_value_heads", { num_key_value_heads: 3 }],
  ["num_attention_heads", { num_attention_heads: 6 }],
  ["head_dim", { head_dim: 15 }],
  ["rms_norm_eps", { rms_norm_eps: 0 }],
  ["tie_word_embeddings", { tie_word_embeddings: "no" }],
  ["eos_token_id", { eos_token_id: ["</s>"] }],
  ["rope_parameters.rope_type", { rope_parameters: { rope_type: "dynamic", factor: 4 } }],
  ["rope_parameters.rope_type", { rope_parameters: { rope_type: "longrope", factor: 4 } }],
  ["architectures", { architectures: ["Qwen2ForSequenceClassification"] }],
  ["logit_scale", { logit_scale: 0.25 }],
  ["attn_logit_softcapping", { attn_logit_softcapping: 50 }],
  ["clip_qkv", { clip_qkv: 8 }],
  ["embedding_multiplier", { embedding_multiplier: 12 }],
  ["num_local_experts", { num_local_experts: 8 }],
  ["num_hidden_layers", { num_hidden_layers: 4_000_000 }],
  ["vocab_size", { vocab_size: 1e9 }],
  ["hidden_size", { hidden_size: 2 ** 52 }],
  ["eos_token_id", { eos_token_id: Array.from({ length: 1_000_000 }, () => 1) }],
  ["eos_token_id", { eos_token_id: 264 }],
  ["rope_parameters.factor", { rope_parameters: { rope_type: "linear" } }],
  ["rope_parameters", { rope_parameters: 5 }],
  ["partial_rotary_factor", { partial_rotary_factor: 0.5 }],
  ["layer_types", { layer_types: ["full_attention"] }],
  ["layer_types", { layer_types: ["linear_attention", "full_attention"] }],
  ["architectures", { architectures: "Qwen2ForTokenClassification" }],
  ["auto_map.AutoModelForCausalLM", { auto_map: { AutoModelForCausalLM: "modeling.Own" } }],
  ["hidden_activation", { hidden_activation: "gelu" }],
  ["compression_config", { compression_config: { format: "int" } }],
  ["dual_chunk_attention_config", { dual_chunk_attention_config: { chunk_size: 8192 } }],
  ["rope_scaling", { rope_scaling: { type: "linear", factor: 4 } }],
  ["rope_parameters.full_attention", { rope_parameters: { full_attention: { rope_theta: 1e6 } } }],
  [
    "rope_parameters.high_freq_factor",
    {
      rope_parameters: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 1 },
    },
  ],
])("an error names the field %s", (field, change) => {
  expect(fieldRefused({ ...golden("qwen2"), ...change })).toBe(field);
});

test("a Llama config with a window is refused as another architecture", () => {
  expect(fieldRefused({ ...golden("llama3"), sliding_window: 4096 })).toBe("sliding_window");
});

test("a config that is no object is refused", () => {
  for (const json of [null, [], "qwen2", 3]) expect(() => parseModelConfig(json)).toThrow("object");
});

test.each(["layer_types", "rope_scaling", "rope_parameters", "eos_token_id", "architectures"])(
  "a %s nested deeper than the stack is refused",
  (field) => {
    const deep = JSON.parse("[".repeat(50_000) + "]".repeat(50_000)) as unknown;
    const both = { rope_scaling: {}, rope_parameters: {}, [field]: deep };
    for (const fields of [{ [field]: deep }, both]) {
      expect(() => parseModelConfig({ ...golden("qwen2"), ...fields })).toThrow(ModelConfigError);
    }
  },
);
