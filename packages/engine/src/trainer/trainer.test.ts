import type { Pack } from "@gumshoe/grpo";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { afterEach, expect, test } from "vitest";

import { Model } from "../model/model.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { parseModelConfig } from "../weights/model-config.js";
import { Trainer, type TrainerOptions } from "./trainer.js";

const devices: Device[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

function makeModel(more: Record<string, unknown> = {}, threads = 1): Model {
  const config = parseModelConfig({
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    vocab_size: 67,
    hidden_size: 24,
    intermediate_size: 40,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 12,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    hidden_act: "silu",
    eos_token_id: 1,
    ...more,
  });
  const device = createCpuDevice({ threads });
  devices.push(device);
  const model = new Model({ device, config, training: true });
  model.setParameters(initialParameters(config, 3, 0.2));
  return model;
}

const PACKS: Pack[] = [
  [9, [5, 1, 12]],
  [1, [4]],
  [18, [17, 16]],
].map(([length, answers], group) => ({
  groupKey: `g${group}`,
  promptTokens: Int32Array.from({ length: length as number }, (_, i) => (5 * i + group) % 67),
  answers: (answers as number[]).map((count, rollout) => ({
    rollout,
    tokens: Int32Array.from({ length: count }, (_, i) => (11 * i + 7 * rollout + group) % 67),
    logprobs: new Float32Array(0),
    advantage: 0,
    weight: 1,
  })),
}));

/** A loss of log-probs and entropies with a different weight for every token. */
function lossOf(_pack: Pack, scores: { logprobs: Float32Array; entropies: Float32Array }) {
  const dLogprob = scores.logprobs.map((_, i) => -0.1 - 0.01 * i);
  const dEntropy = scores.entropies.map((_, i) => 0.02 * i - 0.1);
  const loss = [...scores.logprobs].reduce(
    (sum, value, i) =>
      sum +
      value * (dLogprob[i] as number) +
      (scores.entropies[i] as number) * (dEntropy[i] as number),
    0,
  );
  return { loss, dLogprob, dEntropy };
}

function gradientOf(model: Model, options: Omit<TrainerOptions, "model"> = {}): Float32Array {
  const trainer = new Trainer({ model, ...options });
  trainer.zeroGradient();
  trainer.accumulate(PACKS, lossOf, { temperature: 0.9 });
  const gradient = trainer.readGradient();
  trainer.dispose();
  return gradient;
}

test("the gradient has the same bits however packs are batched, checkpointed and threaded", () => {
  const expected = gradientOf(makeModel());
  expect(gradientOf(makeModel(), { maxBatchRows: 1 })).toEqual(expected);
  expect(gradientOf(makeModel(), { maxBatchRows: 40 })).toEqual(expected);
  expect(gradientOf(makeModel(), { maxActivationBytes: 1 })).toEqual(expected);
  expect(gradientOf(makeModel(), { checkpointing: "layer" })).toEqual(expected);
  expect(gradientOf(makeModel({}, 2))).toEqual(expected);
});

test.each([{ tie_word_embeddings: true }, { tie_word_embeddings: false }])(
  "memory of the caller holds the whole gradient once it is finished, with %o",
  (more) => {
    const model = makeModel(more);
    const expected = gradientOf(model);
    const trainer = new Trainer({ model });
    const memory = model.device.alloc("f32", model.layout.numParameters);
    const got = new Float32Array(memory.length);
    // Nothing of the first gradient is left the second time.
    for (let time = 0; time < 2; time++) {
      trainer.useGradient(memory);
      trainer.zeroGradient();
      trainer.accumulate(PACKS.slice(0, 1), lossOf, { temperature: 0.9 });
      trainer.releaseMemory();
      trainer.accumulate(PACKS.slice(1), (pack, scores) => lossOf(pack, scores), {
        temperature: 0.9,
      });
      trainer.finishGradient();
      trainer.useGradient(null);
      model.device.read(memory, got);
      expect(got).toEqual(expected);
    }
    trainer.dispose();
  },
);

test("a gradient read in ranges is the same, a tied head's embedding included", () => {
  const model = makeModel();
  const trainer = new Trainer({ model });
  trainer.zeroGradient();
  trainer.accumulate(PACKS, lossOf);
  const whole = trainer.readGradient();
  for (const [start, end] of [
    [0, 100],
    [100, 1700],
    [1500, model.layout.numParameters],
  ] as const) {
    expect(trainer.readGradient(start, end)).toEqual(whole.slice(start, end));
  }
  trainer.dispose();
});

test.each([{ tie_word_embeddings: true }, { tie_word_embeddings: false }])(
  "the gradient is the slope of the loss, with %o",
  (more) => {
    const model = makeModel(more);
    const gradient = gradientOf(model);
    const trainer = new Trainer({ model });
    const total = () =>
      trainer
        .accumulate(PACKS, lossOf, { temperature: 0.9 })
        .reduce((sum, { loss }) => sum + loss, 0);
    const weights = new Float32Array(model.layout.numParameters);
    model.readParameters(weights);
    for (const { name, start, end } of model.layout.entries) {
      // In the direction of the parameter's gradient, the slope is the gradient's norm.
      const part = gradient.slice(start, end);
      const norm = Math.hypot(...part);
      if (norm < 1e-3) continue;
      const losses = [1, -1].map((sign) => {
        const moved = weights.slice();
        for (let i = start; i < end; i++) {
          moved[i] = (moved[i] as number) + (sign * 2e-3 * (gradient[i] as number)) / norm;
        }
        model.setParameters(moved);
        return total();
      });
      const slope = ((losses[0] as number) - (losses[1] as number)) / 4e-3;
      expect(Math.abs(slope - norm) / norm, name).toBeLessThan(0.02);
    }
    trainer.dispose();
  },
);

test("a gradient accumulates until it is set to zero", () => {
  const model = makeModel();
  const trainer = new Trainer({ model });
  trainer.zeroGradient();
  trainer.accumulate(PACKS.slice(0, 1), lossOf);
  const once = trainer.readGradient();
  trainer.accumulate(PACKS.slice(0, 1), lossOf);
  const twice = trainer.readGradient();
  trainer.zeroGradient();
  trainer.accumulate(PACKS.slice(0, 1), lossOf);
  expect(trainer.readGradient()).toEqual(once);
  const largest = twice.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const error = twice.map((value, i) => Math.abs(value - 2 * (once[i] as number)));
  expect(Math.max(...error) / largest).toBeLessThan(1e-5);
  trainer.dispose();
});
