import { type Pack } from "@gumshoe/grpo";
import { createCpuDevice, type CpuDeviceOptions, type Device } from "@gumshoe/kernels";
import { afterEach, describe, expect, test } from "vitest";

import { Model } from "../model/model.js";
import {
  randomIds,
  randomPack,
  TINY_CONFIGS,
  tinyModel,
  tinyParameters,
} from "../model/tiny-model.js";
import { type ModelConfig } from "../weights/model-config.js";
import { Scorer } from "./scorer.js";
import { type PackLossFunction, Trainer, type TrainerOptions } from "./trainer.js";

const QWEN2 = TINY_CONFIGS["qwen2, tied head"];
const devices: Device[] = [];

afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

function deviceOf(options: CpuDeviceOptions = {}): Device {
  const device = createCpuDevice({ threads: 1, ...options });
  devices.push(device);
  return device;
}

/** A loss that takes every log-prob and entropy in with a weight of its own. */
const weightedLoss: PackLossFunction = (_, { logprobs, entropies }) => {
  const weight = (i: number) => 0.3 + Math.cos(i);
  const dLogprob = logprobs.map((_, i) => -weight(i));
  const dEntropy = entropies.map((_, i) => 0.2 * weight(3 * i));
  const dot = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
  return { loss: dot(dLogprob, logprobs) + dot(dEntropy, entropies), dLogprob, dEntropy };
};

function packsOf(config: ModelConfig): Pack[] {
  return [
    randomPack(config, { prompt: 5, answers: [3, 17, 1] }, 1),
    randomPack(config, { prompt: 19, answers: [8] }, 2),
    randomPack(config, { prompt: 1, answers: [2, 2, 33, 5] }, 3),
  ];
}

function gradientOf(model: Model, options: Partial<TrainerOptions> = {}): Float32Array {
  const trainer = new Trainer({ model, ...options });
  trainer.accumulate(packsOf(model.config), weightedLoss);
  const gradient = trainer.readGradient();
  trainer.dispose();
  return gradient;
}

describe.each(Object.entries(TINY_CONFIGS))("with the weights of %s", (_, config) => {
  test("the gradient is the slope of the loss, along every parameter's own direction", () => {
    const model = tinyModel(deviceOf(), config);
    const parameters = tinyParameters(config, 1);
    const gradient = gradientOf(model);
    const trainer = new Trainer({ model });
    const lossAt = (moved: Float32Array) => {
      model.setParameters(moved);
      model.commit();
      const outcomes = trainer.accumulate(packsOf(config), weightedLoss);
      return outcomes.reduce((sum, { loss }) => sum + loss, 0);
    };
    for (const { name, start, end } of model.layout.entries) {
      const own = gradient.subarray(start, end);
      const norm = Math.hypot(...own);
      const step = 2e-3;
      const along = (sign: number) =>
        parameters.map((value, i) =>
          i < start || i >= end ? value : value + (sign * step * (own[i - start] as number)) / norm,
        );
      const slope = (lossAt(along(1)) - lossAt(along(-1))) / (2 * step);
      // Log-probs in float32 leave about three digits of a difference.
      expect(Math.abs(slope / norm - 1), `${name}: slope ${slope}, norm ${norm}`).toBeLessThan(
        0.02,
      );
    }
  });

  test("checkpointing, batches, threads and instruction sets change no bit of it", () => {
    const expected = gradientOf(tinyModel(deviceOf(), config));
    const model = tinyModel(deviceOf(), config);
    expect(gradientOf(model, { checkpointing: "layer" })).toEqual(expected);
    expect(gradientOf(model, { maxBatchRows: 1 })).toEqual(expected);
    expect(gradientOf(model, { maxBatchRows: 40, checkpointing: "layer" })).toEqual(expected);
    expect(gradientOf(tinyModel(deviceOf({ threads: 2 }), config))).toEqual(expected);
    const scalar = tinyModel(deviceOf({ instructionSet: "scalar" }), config);
    expect(gradientOf(scalar)).toEqual(expected);
  });

  test("answers that share a prompt score bit for bit as each would alone", () => {
    const scorer = new Scorer(tinyModel(deviceOf(), config));
    const pack = randomPack(config, { prompt: 21, answers: [9, 1, 16, 30] });
    const alone = pack.answers.map((answer) => scorer.score({ ...pack, answers: [answer] }, 0.7));
    const together = scorer.score(pack, 0.7);
    expect([...together.logprobs]).toEqual(alone.flatMap(({ logprobs }) => [...logprobs]));
    expect([...together.entropies]).toEqual(alone.flatMap(({ entropies }) => [...entropies]));
  });
});

test("scores and training see the same numbers, at their temperature", () => {
  const model = tinyModel(deviceOf());
  const pack = randomPack(QWEN2, { prompt: 9, answers: [12, 4] });
  const scorer = new Scorer(model);
  const trainer = new Trainer({ model });
  const [outcome] = trainer.accumulate([pack], weightedLoss, 0.7);
  expect(outcome?.logprobs).toEqual(scorer.score(pack, 0.7).logprobs);
  expect(outcome?.entropies).toEqual(scorer.score(pack, 0.7).entropies);
  expect(outcome?.logprobs).not.toEqual(scorer.score(pack, 1).logprobs);
});

test("probabilities of all next tokens sum to 1, and give the entropy", () => {
  const scorer = new Scorer(tinyModel(deviceOf()));
  const pack = randomPack(QWEN2, { prompt: 9, answers: [] });
  const answers = Array.from({ length: QWEN2.vocabularySize }, (_, id) => ({
    ...{ rollout: id, tokens: Int32Array.of(id), logprobs: new Float32Array(0) },
    ...{ advantage: 1, weight: 1 },
  }));
  const { logprobs, entropies } = scorer.score({ ...pack, answers }, 0.7);
  const sum = (term: (logprob: number) => number) =>
    logprobs.reduce((total, logprob) => total + term(logprob), 0);
  expect(sum(Math.exp)).toBeCloseTo(1, 5);
  expect(entropies[0]).toBeCloseTo(
    sum((logprob) => -logprob * Math.exp(logprob)),
    4,
  );
});

test("gradients add up until they are forgotten", () => {
  const model = tinyModel(deviceOf());
  const trainer = new Trainer({ model });
  const [first, second] = packsOf(QWEN2) as [Pack, Pack];
  trainer.accumulate([first, second], weightedLoss);
  const both = trainer.readGradient();
  trainer.zeroGradient();
  expect(trainer.readGradient().every((value) => value === 0)).toBe(true);
  trainer.accumulate([first], weightedLoss);
  expect(trainer.readGradient()).not.toEqual(both);
  trainer.accumulate([second], weightedLoss);
  expect(trainer.readGradient()).toEqual(both);
});

test("a large batch before changes nothing for a small one", () => {
  const model = tinyModel(deviceOf());
  const trainer = new Trainer({ model });
  const small = randomPack(QWEN2, { prompt: 5, answers: [4] });
  trainer.accumulate([small], weightedLoss);
  const expected = trainer.readGradient();
  trainer.accumulate([randomPack(QWEN2, { prompt: 60, answers: [70, 50] })], weightedLoss);
  trainer.zeroGradient();
  trainer.accumulate([small], weightedLoss);
  expect(trainer.readGradient()).toEqual(expected);
});

test("any range of the gradient is that range of the whole", () => {
  const model = tinyModel(deviceOf());
  const trainer = new Trainer({ model });
  trainer.accumulate(packsOf(QWEN2), weightedLoss);
  const whole = trainer.readGradient();
  const { numParameters } = model.layout;
  const cuts = [0, 5, 1607, 1608, 1609, 4000, numParameters];
  for (const [i, start] of cuts.slice(0, -1).entries()) {
    const end = cuts[i + 1] as number;
    expect(trainer.readGradient(start, end)).toEqual(whole.slice(start, end));
  }
});

test("the loss is asked once per pack, in order, with that pack's own scores", () => {
  const model = tinyModel(deviceOf());
  const packs = packsOf(QWEN2);
  const asked: [string, number, number][] = [];
  const outcomes = new Trainer({ model, maxBatchRows: 50 }).accumulate(packs, (pack, s, index) => {
    asked.push([pack.groupKey, index, s.logprobs.length]);
    const dLogprob = new Float32Array(s.logprobs.length);
    return { loss: index, dLogprob, dEntropy: null };
  });
  expect(asked).toEqual([
    ["pack 1", 0, 21],
    ["pack 2", 1, 8],
    ["pack 3", 2, 42],
  ]);
  expect(outcomes.map(({ loss }) => loss)).toEqual([0, 1, 2]);
});

test("new weights count from the commit on", () => {
  const model = tinyModel(deviceOf());
  const scorer = new Scorer(model);
  const pack = randomPack(QWEN2, { prompt: 9, answers: [12] });
  const before = scorer.score(pack).logprobs;
  const other = tinyParameters(QWEN2, 2);
  model.setParameters(other.subarray(0, 3000));
  model.setParameters(other.subarray(3000), 3000);
  model.commit();
  const after = scorer.score(pack).logprobs;
  expect(after).not.toEqual(before);
  expect(after).toEqual(new Scorer(tinyModel(deviceOf(), QWEN2, 2)).score(pack).logprobs);
});

test("a position beyond the first rotary table makes a larger one with the same numbers", () => {
  const scorer = new Scorer(tinyModel(deviceOf()));
  const short = randomPack(QWEN2, { prompt: 9, answers: [12] });
  const before = scorer.score(short).logprobs;
  const long = { ...short, promptTokens: randomIds(QWEN2, 700, 4) };
  expect(scorer.score(long).logprobs.every(Number.isFinite)).toBe(true);
  expect(scorer.score(short).logprobs).toEqual(before);
});

test("a model that was made for sampling alone cannot be trained", () => {
  const model = new Model({ device: deviceOf(), config: QWEN2, training: false });
  expect(() => new Trainer({ model })).toThrow("made without training");
});
