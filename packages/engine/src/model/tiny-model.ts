import { Rng } from "@gumshoe/core";
import type { Pack } from "@gumshoe/grpo";
import type { Device } from "@gumshoe/kernels";

import { initialParameters } from "../weights/initial-parameters.js";
import type { ModelConfig } from "../weights/model-config.js";
import { Model } from "./model.js";

/** Large enough that a tiny model's distributions are sharp, so that one wrong bit changes its numbers. */
const TINY_RANGE = 0.2;

const QWEN2: ModelConfig = {
  modelType: "qwen2",
  vocabularySize: 67,
  width: 24,
  intermediateSize: 40,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 6,
  ropeTheta: 10_000,
  ropeScaling: null,
  normEps: 1e-6,
  tiedHead: true,
  attentionBias: true,
  outputBias: false,
  queryKeyNorm: false,
  maxPositions: 512,
  eosTokenIds: [0],
  adapter: null,
};

/**
 * Shapes that together cover every branch of the engine: a few thousand parameters each, with sizes that are no
 * multiple of a vector width.
 */
export const TINY_CONFIGS = {
  "qwen2, tied head": QWEN2,
  "qwen2, own head": { ...QWEN2, tiedHead: false, kvHeads: 4, layers: 1, vocabularySize: 530 },
  qwen3: { ...QWEN2, modelType: "qwen3", attentionBias: false, queryKeyNorm: true, headDim: 10 },
  llama: {
    ...QWEN2,
    modelType: "llama",
    outputBias: true,
    tiedHead: false,
    kvHeads: 1,
    layers: 3,
    ropeScaling: {
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositions: 64,
    },
  },
} as const satisfies Record<string, ModelConfig>;

/** Draws weights, norms and biases included, and makes a trainable model of them. */
export function tinyModel(device: Device, config: ModelConfig = QWEN2, seed = 1): Model {
  const model = new Model({ device, config, training: true });
  model.setParameters(tinyParameters(config, seed));
  return model;
}

/** Draws the [numParameters] f32 of a tiny model, with norms other than 1 and biases other than 0. */
export function tinyParameters(config: ModelConfig, seed: number): Float32Array {
  const parameters = initialParameters(config, seed, TINY_RANGE);
  const rng = new Rng(seed, 1, 2, 3);
  return parameters.map((value) => value + 0.1 * (rng.uniform() - 0.5));
}

/** Draws ids below the size of the vocabulary. */
function randomIds(config: ModelConfig, length: number, seed: number): Int32Array {
  const rng = new Rng(seed, length);
  return Int32Array.from({ length }, () => rng.below(config.vocabularySize));
}

/** Draws a pack: a prompt and answers of the given lengths. */
export function randomPack(
  config: ModelConfig,
  lengths: { prompt: number; answers: readonly number[] },
  seed = 1,
): Pack {
  return {
    groupKey: `pack ${seed}`,
    promptTokens: randomIds(config, lengths.prompt, seed),
    answers: lengths.answers.map((length, rollout) => ({
      rollout,
      tokens: randomIds(config, length, seed + 100 * (rollout + 1)),
      logprobs: new Float32Array(0),
      advantage: 1,
      weight: 1,
    })),
  };
}
