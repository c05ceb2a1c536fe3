import { ropeTable } from "@gumshoe/kernels";
import { expect, test } from "vitest";

import { parseModelConfig } from "./model-config.js";

const SHAPE = {
  model_type: "qwen2",
  hidden_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 1,
  intermediate_size: 8,
  vocab_size: 16,
};

/** Frequencies and attention factors of Transformers 5.24 (`ROPE_INIT_FUNCTIONS["yarn"]`), heads of 16. */
const CASES = [
  {
    name: "factor alone",
    config: {
      max_position_embeddings: 4096,
      rope_theta: 1000000.0,
      rope_scaling: { type: "yarn", factor: 4.0, original_max_position_embeddings: 1024 },
    },
    frequencies: [
      1.0, 0.133370951, 0.0158113893, 0.00140585331, 0.000250000012, 4.44569851e-5, 7.90569356e-6,
      1.40585337e-6,
    ],
    attentionFactor: 1.138629436111989,
  },
  {
    name: "newer layout",
    config: {
      max_position_embeddings: 131072,
      rope_parameters: {
        rope_type: "yarn",
        rope_theta: 1000000.0,
        factor: 4.0,
        original_max_position_embeddings: 32768,
      },
    },
    frequencies: [
      1.0, 0.177827939, 0.0316227786, 0.00421755994, 0.000500000024, 4.44569851e-5, 7.90569356e-6,
      1.40585337e-6,
    ],
    attentionFactor: 1.138629436111989,
  },
  {
    name: "attention factor",
    config: {
      max_position_embeddings: 8192,
      rope_theta: 10000.0,
      rope_scaling: {
        rope_type: "yarn",
        factor: 8.0,
        attention_factor: 0.75,
        original_max_position_embeddings: 1024,
      },
    },
    frequencies: [
      1.0, 0.316227764, 0.078125, 0.0177878123, 0.00343749998, 0.000395284733, 0.000125000006,
      3.95284733e-5,
    ],
    attentionFactor: 0.75,
  },
  {
    name: "scales",
    config: {
      max_position_embeddings: 163840,
      rope_theta: 10000.0,
      rope_scaling: {
        type: "yarn",
        factor: 40,
        mscale: 0.707,
        mscale_all_dim: 1.0,
        beta_fast: 32,
        beta_slow: 1,
        original_max_position_embeddings: 4096,
      },
    },
    frequencies: [
      1.0, 0.316227764, 0.100000001, 0.0239147246, 0.00512499968, 0.000849862176, 2.49999994e-5,
      7.90569447e-6,
    ],
    attentionFactor: 0.9210423553163399,
  },
  {
    name: "betas, not truncated",
    config: {
      max_position_embeddings: 131072,
      rope_theta: 150000.0,
      rope_scaling: {
        rope_type: "yarn",
        factor: 32.0,
        beta_fast: 16.0,
        beta_slow: 2.0,
        truncate: false,
        original_max_position_embeddings: 4096,
      },
    },
    frequencies: [
      1.0, 0.225418001, 0.0508132726, 0.00738754077, 8.0687154e-5, 1.8188337e-5, 4.09997847e-6,
      9.24208962e-7,
    ],
    attentionFactor: 1.3465735902799727,
  },
  {
    name: "no original positions",
    config: {
      max_position_embeddings: 2048,
      rope_theta: 10000.0,
      rope_scaling: { rope_type: "yarn", factor: 2.0 },
    },
    frequencies: [
      1.0, 0.316227764, 0.100000001, 0.0276699308, 0.00749999983, 0.00197642366, 0.000500000024,
      0.000158113893,
    ],
    attentionFactor: 1.0693147180559945,
  },
  {
    name: "original positions of the config",
    config: {
      max_position_embeddings: 2048,
      original_max_position_embeddings: 512,
      rope_theta: 10000.0,
      rope_scaling: { rope_type: "yarn", factor: 4.0, original_max_position_embeddings: 100 },
    },
    frequencies: [
      1.0, 0.25693506, 0.0625, 0.0138349654, 0.00249999994, 0.000790569466, 0.000250000012,
      7.90569466e-5,
    ],
    attentionFactor: 1.138629436111989,
  },
  {
    name: "no factor",
    config: {
      max_position_embeddings: 2048,
      rope_theta: 10000.0,
      rope_scaling: { rope_type: "yarn", factor: null, original_max_position_embeddings: 512 },
    },
    frequencies: [
      1.0, 0.25693506, 0.0625, 0.0138349654, 0.00249999994, 0.000790569466, 0.000250000012,
      7.90569466e-5,
    ],
    attentionFactor: 1.138629436111989,
  },
];

test.each(CASES)("yarn has Transformers' frequencies and attention factor: $name", (golden) => {
  const config = parseModelConfig({ ...SHAPE, ...golden.config });
  expect(config.headDim).toBe(16);
  const numPositions = 50;
  const { cos, sin } = ropeTable({
    theta: config.ropeTheta,
    headDim: config.headDim,
    numPositions,
    scaling: config.ropeScaling,
  });
  const { frequencies, attentionFactor } = golden;
  for (let position = 0; position < numPositions; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const at = position * frequencies.length + i;
      const angle = position * frequency;
      expect(cos[at]).toBeCloseTo(attentionFactor * Math.cos(angle), 5);
      expect(sin[at]).toBeCloseTo(attentionFactor * Math.sin(angle), 5);
    }
  }
});
