import type { Pack } from "@gumshoe/grpo";
import { createCpuDevice, type Device, type DeviceFault } from "@gumshoe/kernels";
import { afterEach, describe, expect, test } from "vitest";

import { NotFiniteError } from "../errors.js";
import { Model } from "../model/model.js";
import { Scorer } from "../trainer/scorer.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { parseModelConfig } from "../weights/model-config.js";
import { Sampler, type SamplerOptions } from "./sampler.js";
import type { SampleRequest, SampleResult } from "./sequence.js";

const CONFIG = parseModelConfig({
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: 101,
  hidden_size: 40,
  intermediate_size: 56,
  num_hidden_layers: 2,
  num_attention_heads: 5,
  num_key_value_heads: 1,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  hidden_act: "silu",
  eos_token_id: 1,
});

const devices: Device[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

function makeModel(options: { threads?: number; fault?: DeviceFault } = {}): Model {
  const device = createCpuDevice({ threads: 1, ...options });
  devices.push(device);
  const model = new Model({ device, config: CONFIG, training: false });
  // Larger weights than usual, so that a wrong bit soon changes a token.
  model.setParameters(initialParameters(CONFIG, 5, 0.3));
  return model;
}

function request(id: string, promptLength: number, more: Partial<SampleRequest> = {}) {
  const promptIds = Array.from({ length: promptLength }, (_, i) => (7 * i + promptLength) % 101);
  return {
    id,
    promptIds,
    count: 3,
    temperature: 1,
    maxNewTokens: 21,
    stopTokenIds: [1],
    seed: [9, promptLength] as const,
    earlyStop: null,
    ...more,
  } satisfies SampleRequest;
}

function sample(
  model: Model,
  requests: readonly SampleRequest[],
  options: Partial<SamplerOptions> = {},
): Map<string, SampleResult> {
  const sampler = new Sampler({ model, kvCacheTokens: 4096, ...options });
  for (const one of requests) sampler.add(one);
  const results = new Map(sampler.run().map((result) => [result.id, result]));
  sampler.dispose();
  return results;
}

function toPack(result: SampleResult): Pack {
  return {
    groupKey: result.id,
    promptTokens: result.promptIds,
    answers: result.rollouts.map(({ tokens, logprobs }, rollout) => {
      return { rollout, tokens, logprobs, advantage: 0, weight: 0 };
    }),
  };
}

/** Answers to requests with prompts of many lengths, among them one token and one block. */
const LENGTHS = [1, 2, 15, 16, 17, 33, 50];
const REQUESTS = LENGTHS.map((length) => request(`r${length}`, length));

describe("sampler and trainer", () => {
  test.each([1, 0.7, 1.3])("agree bit for bit at temperature %s", (temperature) => {
    const model = makeModel();
    const requests = REQUESTS.map((one) => ({ ...one, temperature }));
    const scorer = new Scorer(model);
    for (const result of sample(model, requests).values()) {
      const sampled = result.rollouts.flatMap(({ logprobs }) => [...logprobs]);
      expect(sampled).toEqual([...scorer.score(toPack(result), { temperature }).logprobs]);
    }
    scorer.dispose();
  });

  test("differ when a kernel is broken on purpose, so a run can detect it", () => {
    const model = makeModel({ fault: "decode-attention" });
    const scorer = new Scorer(model);
    const differ = [...sample(model, REQUESTS).values()].some((result) => {
      const sampled = result.rollouts.flatMap(({ logprobs }) => [...logprobs]);
      const scored = [...scorer.score(toPack(result)).logprobs];
      return sampled.some((value, i) => !Object.is(value, scored[i]));
    });
    expect(differ).toBe(true);
    scorer.dispose();
  });
});

describe("a rollout depends on its request alone", () => {
  const alone = () => {
    const model = makeModel();
    return new Map(REQUESTS.map((one) => [one.id, sample(model, [one]).get(one.id)]));
  };

  test("not on the other requests in its batch, nor on the batch's limits", () => {
    const expected = alone();
    const model = makeModel();
    expect(sample(model, REQUESTS)).toEqual(expected);
    const tight = { maxBatch: 2, maxPrefillTokens: 20, kvCacheTokens: 160 };
    expect(sample(model, [...REQUESTS].reverse(), tight)).toEqual(expected);
  });

  test("not on the number of threads", () => {
    expect(sample(makeModel({ threads: 2 }), REQUESTS)).toEqual(alone());
  });

  test("two rollouts of one request differ, and one seed always gives the same rollouts", () => {
    const model = makeModel();
    const [first, again] = [1, 2].map(() => sample(model, [request("a", 12)]).get("a"));
    expect(again).toEqual(first);
    const texts = new Set(first?.rollouts.map(({ tokens }) => tokens.join()));
    expect(texts.size).toBe(3);
  });
});

describe("prompts with a common prefix", () => {
  /** A prompt that begins with `common` tokens of one text, and goes on with another for each id. */
  const branch = (id: string, common: number, own: number, more: Partial<SampleRequest> = {}) => {
    const start = Array.from({ length: common }, (_, i) => (5 * i + 3) % 101);
    const rest = Array.from({ length: own }, (_, i) => (11 * i + id.charCodeAt(0)) % 101);
    return request(id, 0, { promptIds: [...start, ...rest], count: 2, ...more });
  };
  // Beginnings of whole blocks, of a part of one, and whole prompts.
  const BRANCHES = [
    branch("a", 50, 20),
    branch("b", 50, 3),
    branch("c", 48, 1),
    branch("d", 33, 30),
    branch("e", 48, 0),
    branch("f", 50, 20, { promptIds: branch("a", 50, 20).promptIds }),
    branch("g", 10, 40),
  ];

  test.each([{}, { maxBatch: 2, maxPrefillTokens: 20, kvCacheTokens: 320 }])(
    "are read once, and answered with the same bits: %o",
    (limits) => {
      const model = makeModel();
      const sampler = new Sampler({
        model,
        kvCacheTokens: 4096,
        prefixCaching: true,
        ...limits,
      });
      for (const one of BRANCHES) sampler.add(one);
      const results = new Map(sampler.run().map((result) => [result.id, result]));
      expect(results).toEqual(sample(model, BRANCHES));
      const all = BRANCHES.reduce((sum, { promptIds }) => sum + promptIds.length, 0);
      const { numPrefillTokens, numCachedTokens } = sampler.stats;
      expect(numPrefillTokens + numCachedTokens).toBe(all);
      expect(numCachedTokens).toBeGreaterThan(48);
      sampler.dispose();
    },
  );

  test("are shared with those of requests that are over, as long as there is room", () => {
    const model = makeModel();
    const numCached: [string, number][] = [];
    const sampler = new Sampler({
      model,
      kvCacheTokens: 160,
      prefixCaching: true,
      onPrompts: (prompts) =>
        numCached.push(
          ...prompts.map(({ id, numCached: tokens }) => [id, tokens] as [string, number]),
        ),
    });
    const answer = (one: SampleRequest) => {
      sampler.add(one);
      expect(sampler.run()).toEqual([...sample(model, [one]).values()]);
    };
    answer(branch("a", 50, 20));
    answer(branch("b", 50, 3));
    // Another text needs nearly all blocks: of the last prompts only a beginning is left.
    answer(request("other", 100, { count: 1, maxNewTokens: 2 }));
    answer(branch("c", 50, 20));
    answer(branch("d", 50, 20));
    expect(numCached).toEqual([
      ["a", 0],
      ["b", 48],
      ["other", 0],
      ["c", 32],
      ["d", 48],
    ]);
    sampler.dispose();
  });

  test("are not shared after a step that failed", () => {
    const model = makeModel();
    const sampler = new Sampler({ model, kvCacheTokens: 1024, prefixCaching: true });
    const { start } = model.layout.find("model.norm.weight");
    model.setParameters(Float32Array.of(NaN), start);
    sampler.add(branch("a", 50, 20));
    expect(() => sampler.step()).toThrow(NotFiniteError);
    sampler.cancel("a");
    model.setParameters(initialParameters(CONFIG, 5, 0.3));
    sampler.add(branch("b", 50, 3));
    expect(sampler.run()).toEqual([...sample(model, [branch("b", 50, 3)]).values()]);
    expect(sampler.stats.numCachedTokens).toBe(0);
    sampler.dispose();
  });
});

describe("an answer ends", () => {
  test("with a stop token, which is part of it", () => {
    const model = makeModel();
    const free = sample(model, [request("a", 9, { stopTokenIds: [] })]).get("a");
    const third = free?.rollouts[0]?.tokens[2] as number;
    const stopped = sample(model, [request("a", 9, { stopTokenIds: [third] })]).get("a");
    const tokens = [...(stopped?.rollouts[0]?.tokens ?? [])];
    expect(stopped?.rollouts[0]?.finish).toBe("stop");
    expect(tokens.indexOf(third)).toBe(tokens.length - 1);
  });

  test("at its greatest length", () => {
    const requests = [request("a", 9, { stopTokenIds: [], maxNewTokens: 17 })];
    const result = sample(makeModel(), requests).get("a");
    expect(result?.rollouts.map(({ tokens, finish }) => [tokens.length, finish])).toEqual([
      [17, "length"],
      [17, "length"],
      [17, "length"],
    ]);
  });

  test("early when its mean log-prob falls below the threshold", () => {
    const earlyStop = { alpha: 0.5, threshold: -0.5 };
    const requests = [request("a", 9, { stopTokenIds: [], earlyStop })];
    const result = sample(makeModel(), requests).get("a");
    expect(result?.rollouts.map(({ finish }) => finish)).toContain("early-stop");
  });
});

test("temperature 0 samples the most likely token, the same in every rollout", () => {
  const result = sample(makeModel(), [request("a", 12, { temperature: 0 })]).get("a");
  const texts = new Set(result?.rollouts.map(({ tokens }) => tokens.join()));
  expect(texts.size).toBe(1);
});

test("a request that can never fit into the cache is refused", () => {
  const sampler = new Sampler({ model: makeModel(), kvCacheTokens: 64 });
  expect(() => sampler.add(request("a", 60))).toThrow("request a needs 6 blocks");
  sampler.dispose();
});

test("a cache that is too small for one request is replaced by a larger one, and the answers stay the same", () => {
  const model = makeModel();
  const expected = sample(model, REQUESTS);
  const grown = sample(model, REQUESTS, { kvCacheTokens: 48, maxKvCacheTokens: 96 });
  expect(grown).toEqual(expected);
  const sampler = new Sampler({ model, kvCacheTokens: 16, maxKvCacheTokens: 96 });
  expect(() => sampler.add(request("a", 90))).toThrow("which has 6");
  sampler.dispose();
});

test("a cancelled request frees its blocks of the cache", () => {
  const sampler = new Sampler({ model: makeModel(), kvCacheTokens: 96 });
  sampler.add(request("a", 20));
  sampler.step();
  expect(sampler.cancel("a")).toBe(true);
  expect(sampler.idle).toBe(true);
  sampler.add(request("b", 20));
  expect(sampler.run().map(({ id }) => id)).toEqual(["b"]);
  sampler.dispose();
});

test("an answer ends at the model's last position and counts as truncated", () => {
  const model = makeModel();
  const results = sample(model, [request("long", 250, { maxNewTokens: 100, stopTokenIds: [] })]);
  for (const { tokens, finish } of results.get("long")?.rollouts ?? []) {
    expect([tokens.length, finish]).toEqual([6, "length"]);
  }
});

test("a prompt that leaves no position for an answer is refused", () => {
  const sampler = new Sampler({ model: makeModel(), kvCacheTokens: 1024 });
  expect(() => sampler.add(request("full", 256))).toThrow(/256 tokens.*256 positions/);
  sampler.add(request("last", 255));
  expect(sampler.run()[0]?.rollouts[0]?.tokens.length).toBe(1);
});

test.each([NaN, Infinity, -Infinity])(
  "weights that contain %d cause an error and no answer",
  (value) => {
    const model = makeModel();
    model.setParameters(Float32Array.of(value), model.layout.find("model.norm.weight").start);
    const sampler = new Sampler({ model, kvCacheTokens: 1024 });
    sampler.add(request("one", 5));
    expect(() => sampler.run()).toThrow(NotFiniteError);
    sampler.add(request("greedy", 5, { temperature: 0 }));
    expect(() => sampler.run()).toThrow(NotFiniteError);
    const answer = { rollout: 0, tokens: Int32Array.of(3, 4), logprobs: new Float32Array(0) };
    const pack = {
      groupKey: "pack",
      promptTokens: Int32Array.of(1, 2),
      answers: [{ ...answer, advantage: 0, weight: 1 }],
    };
    expect(() => new Scorer(model).score(pack)).toThrow(NotFiniteError);
  },
);
