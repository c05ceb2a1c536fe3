/** A model with an adapter: what is sampled, scored and trained. The numbers themselves are PEFT's: test/golden/lora. */
import { Rng } from "@gumshoe/core";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { afterEach, describe, expect, test } from "vitest";

import { randomPack, TINY_CONFIGS, tinyParameters } from "../model/tiny-model.js";
import { Model } from "../model/model.js";
import { Sampler } from "../sampler/sampler.js";
import { ADAPTER_TARGETS, type AdapterConfig } from "../weights/adapter-config.js";
import { adapterLayout, initialAdapter, withAdapter } from "../weights/adapter-layout.js";
import type { ModelConfig } from "../weights/model-config.js";
import { Scorer } from "./scorer.js";
import { Trainer, type TrainerOptions } from "./trainer.js";

const ALL: AdapterConfig = { rank: 3, alpha: 5, targets: ADAPTER_TARGETS };

const devices: Device[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

/** Makes a model with an adapter, of which B is not 0 either unless it is new. */
function adapted(base: ModelConfig, { isNew = false, adapter = ALL } = {}): Model {
  const device = createCpuDevice({ threads: 2 });
  devices.push(device);
  const config = withAdapter(base, adapter);
  const model = new Model({ device, config, training: true });
  model.setParameters(tinyParameters(base, 1));
  const rng = new Rng(4);
  const values = initialAdapter(config, 2);
  model.setTrainable(isNew ? values : values.map((value) => value + 0.4 * (rng.uniform() - 0.5)));
  return model;
}

function plain(base: ModelConfig): Model {
  const device = createCpuDevice({ threads: 1 });
  devices.push(device);
  const model = new Model({ device, config: base, training: true });
  model.setParameters(tinyParameters(base, 1));
  return model;
}

function packsOf(config: ModelConfig) {
  return [
    randomPack(config, { prompt: 7, answers: [5, 9] }, 1),
    randomPack(config, { prompt: 1, answers: [4] }, 2),
    randomPack(config, { prompt: 12, answers: [1, 6, 3] }, 3),
  ];
}

function gradientOf(model: Model, options: Partial<TrainerOptions> = {}): Float32Array {
  const trainer = new Trainer({ model, ...options });
  trainer.zeroGradient();
  trainer.accumulate(packsOf(model.config), (_pack, { logprobs, entropies }) => ({
    loss: 0,
    dLogprob: logprobs.map((_, i) => -0.1 - 0.01 * i),
    dEntropy: entropies.map((_, i) => 0.02 * i - 0.1),
  }));
  const gradient = trainer.readGradient();
  trainer.dispose();
  return gradient;
}

describe.each(Object.entries(TINY_CONFIGS))("an adapter of %s", (_name, base) => {
  test("is sampled from and scored with the same bits", () => {
    const model = adapted(base);
    const sampler = new Sampler({ model });
    const [first] = packsOf(base);
    const promptIds = first?.promptTokens ?? new Int32Array(0);
    const request = { id: "one", promptIds, count: 4, temperature: 1, maxNewTokens: 12 };
    sampler.add({ ...request, stopTokenIds: [], seed: [3], earlyStop: null });
    const rollouts = sampler.run()[0]?.rollouts ?? [];
    sampler.dispose();
    const scorer = new Scorer(model);
    const answers = rollouts.map(({ tokens, logprobs }, rollout) => ({
      rollout,
      tokens: Int32Array.from(tokens),
      logprobs,
      advantage: 0,
      weight: 1,
    }));
    const scores = scorer.score({ groupKey: "one", promptTokens: promptIds, answers });
    scorer.dispose();
    expect(answers.flatMap(({ logprobs }) => [...logprobs])).toEqual([...scores.logprobs]);
    expect(answers).toHaveLength(4);
  });

  test("has gradients of the adapter alone, whatever is kept and however packs are batched", () => {
    const model = adapted(base);
    const whole = gradientOf(model);
    expect(whole).toHaveLength(adapterLayout(model.config).numParameters);
    expect(whole.every((value) => value !== 0 && Number.isFinite(value))).toBe(true);
    expect(gradientOf(model, { checkpointing: "layer" })).toEqual(whole);
    expect(gradientOf(model, { maxBatchRows: 1 })).toEqual(whole);
    expect(gradientOf(model, { maxActivationBytes: 40_000 })).toEqual(whole);
  });

  test("changes nothing while it is new, and only its B then has a gradient", () => {
    const [pack] = packsOf(base);
    if (pack === undefined) throw new Error("no pack");
    const [with_, without] = [adapted(base, { isNew: true }), plain(base)].map((model) => {
      const scorer = new Scorer(model);
      const { logprobs } = scorer.score(pack);
      scorer.dispose();
      return logprobs;
    });
    expect(with_).toEqual(without);
    const model = adapted(base, { isNew: true });
    const gradient = gradientOf(model);
    for (const { name, start, end } of model.trainable.layout.entries) {
      const isZero = gradient.subarray(start, end).every((value) => value === 0);
      expect([name, isZero]).toEqual([name, name.includes("lora_A")]);
    }
  });
});

test("matrices that are not targets have no factors", () => {
  const adapter = { rank: 2, alpha: 2, targets: ["v_proj", "q_proj"] } as const;
  const model = adapted(TINY_CONFIGS["qwen2, tied head"], { adapter });
  expect(model.trainable.layout.entries.map(({ name, shape }) => [name, ...shape])).toEqual(
    [0, 1].flatMap((layer) => {
      const attention = `base_model.model.model.layers.${layer}.self_attn`;
      return [
        [`${attention}.q_proj.lora_A.weight`, 2, 24],
        [`${attention}.q_proj.lora_B.weight`, 24, 2],
        [`${attention}.v_proj.lora_A.weight`, 2, 24],
        [`${attention}.v_proj.lora_B.weight`, 12, 2],
      ];
    }),
  );
  expect(gradientOf(model).every((value) => value !== 0)).toBe(true);
});

test("a new A is uniform within 1 / sqrt(k), the same for every machine, and another for another seed", () => {
  const config = withAdapter(TINY_CONFIGS["qwen2, own head"], { ...ALL, rank: 20 });
  const values = initialAdapter(config, 7);
  for (const { name, shape, start, end } of adapterLayout(config).entries) {
    const part = values.subarray(start, end);
    if (name.includes("lora_B")) {
      expect(part.every((value) => value === 0)).toBe(true);
      continue;
    }
    const bound = 1 / Math.sqrt(shape[1] ?? 0);
    const meanSquare = part.reduce((sum, value) => sum + value ** 2, 0) / part.length;
    expect(Math.max(...part.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    expect(meanSquare / (bound ** 2 / 3)).toBeCloseTo(1, 0);
  }
  expect([...values.subarray(0, 3)]).toMatchInlineSnapshot(`
    [
      -0.13041692972183228,
      -0.03895911946892738,
      -0.061377063393592834,
    ]
  `);
  expect(initialAdapter(config, 8)).not.toEqual(values);
});
