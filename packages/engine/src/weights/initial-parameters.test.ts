import { expect, test } from "vitest";

import { initialParameters } from "./initial-parameters.js";
import type { ModelConfig } from "./model-config.js";
import { parameterLayout } from "./parameter-layout.js";

const CONFIG: ModelConfig = {
  modelType: "qwen2",
  vocabularySize: 100,
  width: 32,
  intermediateSize: 48,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ropeTheta: 10000,
  ropeScaling: null,
  normEps: 1e-6,
  tiedHead: true,
  attentionBias: true,
  outputBias: false,
  queryKeyNorm: false,
  maxPositions: 64,
  eosTokenIds: [],
  adapter: null,
};

test("matrices are normally distributed, norms are 1 and biases 0", () => {
  const values = initialParameters(CONFIG, 1);
  const { find } = parameterLayout(CONFIG);
  const part = (name: string) => {
    const { start, end } = find(name);
    return [...values.slice(start, end)];
  };
  const table = part("model.embed_tokens.weight").map((value) => value / 0.02);
  const mean = (power: number) =>
    table.reduce((sum, value) => sum + value ** power, 0) / table.length;
  expect(Math.abs(mean(1))).toBeLessThan(0.06);
  expect(mean(2)).toBeCloseTo(1, 1);
  // The kurtosis is 3 for a normal distribution, 1.8 for a uniform one.
  expect(mean(4)).toBeGreaterThan(2.5);
  expect(new Set(part("model.layers.1.input_layernorm.weight"))).toEqual(new Set([1]));
  expect(new Set(part("model.layers.1.self_attn.k_proj.bias"))).toEqual(new Set([0]));
});

test("the weights depend on the seed, and no two parameters are alike", () => {
  expect(initialParameters(CONFIG, 1)).toEqual(initialParameters(CONFIG, 1));
  expect(initialParameters(CONFIG, 2)).not.toEqual(initialParameters(CONFIG, 1));
  const values = initialParameters(CONFIG, 1, 1);
  const { find } = parameterLayout(CONFIG);
  const gate = find("model.layers.0.mlp.gate_proj.weight");
  const up = find("model.layers.0.mlp.up_proj.weight");
  expect(values.slice(gate.start, gate.end)).not.toEqual(values.slice(up.start, up.end));
});
