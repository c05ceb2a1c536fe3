import { createCpuDevice, type CpuDeviceOptions, type Device } from "@gumshoe/kernels";
import { afterEach, describe, expect, test } from "vitest";

import { RequestTooLargeError } from "../errors.js";
import { randomIds, randomPack, TINY_CONFIGS, tinyModel } from "../model/tiny-model.js";
import { Scorer } from "../trainer/scorer.js";
import { type ModelConfig } from "../weights/model-config.js";
import { Sampler, type SamplerOptions } from "./sampler.js";
import { type SampleRequest, type SampleResult } from "./sequence.js";

const QWEN2 = TINY_CONFIGS["qwen2, tied head"];
/** One token, a block less one, a block, a block and one, and more. */
const PROMPT_LENGTHS = [1, 15, 16, 17, 37];
const devices: Device[] = [];

afterEach(() => {
  for (const device of devices.splice(0)) device.dispose();
});

function modelOn(options: CpuDeviceOptions, config: ModelConfig = QWEN2) {
  const device = createCpuDevice({ threads: 1, ...options });
  devices.push(device);
  return tinyModel(device, config);
}

function request(id: string, changes: Partial<SampleRequest> = {}): SampleRequest {
  return {
    id,
    promptIds: randomIds(QWEN2, 7, 5),
    count: 3,
    temperature: 1,
    maxNewTokens: 20,
    stopTokenIds: [],
    seed: [9, 1],
    earlyStop: null,
    ...changes,
  };
}

function mixedRequests(config: ModelConfig, temperature = 1): SampleRequest[] {
  return PROMPT_LENGTHS.map((length, i) =>
    request(`prompt of ${length}`, {
      promptIds: randomIds(config, length, i),
      count: 1 + (i % 3),
      maxNewTokens: 14 + 5 * i,
      stopTokenIds: [3],
      seed: [9, i],
      temperature,
    }),
  );
}

function sample(
  requests: readonly SampleRequest[],
  options: Partial<SamplerOptions> & Pick<SamplerOptions, "model">,
): SampleResult[] {
  const sampler = new Sampler({ kvCacheTokens: 2048, ...options });
  for (const one of requests) sampler.add(one);
  const results = sampler.run();
  sampler.dispose();
  return results.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Scores the answers of a result the way the trainer sees them: as one packed row. */
function rescore(scorer: Scorer, result: SampleResult, temperature: number): Float32Array {
  const answers = result.rollouts.map(({ tokens, logprobs }, rollout) => ({
    ...{ rollout, tokens, logprobs, advantage: 1, weight: 1 },
  }));
  const pack = { groupKey: result.id, promptTokens: result.promptIds, answers };
  return scorer.score(pack, temperature).logprobs;
}

const sampledLogprobs = (result: SampleResult) =>
  Float32Array.from(result.rollouts.flatMap(({ logprobs }) => [...logprobs]));

describe.each(Object.entries(TINY_CONFIGS))("with the weights of %s", (_, config) => {
  test.each([1, 0.7])(
    "a log-prob is bit for bit the trainer's at temperature %s",
    (temperature) => {
      const model = modelOn({}, config);
      const scorer = new Scorer(model);
      const results = sample(mixedRequests(config, temperature), { model });
      expect(results).toHaveLength(PROMPT_LENGTHS.length);
      for (const result of results) {
        expect(rescore(scorer, result, temperature)).toEqual(sampledLogprobs(result));
      }
    },
  );

  test("what else is in the batch, threads and instruction sets change no bit", () => {
    const requests = mixedRequests(config);
    const expected = sample(requests, { model: modelOn({}, config) });
    const squeezed = { maxBatch: 2, maxPrefillTokens: 20, kvCacheTokens: 112 };
    expect(sample(requests, { model: modelOn({}, config), ...squeezed })).toEqual(expected);
    expect(sample(requests, { model: modelOn({ threads: 2 }, config) })).toEqual(expected);
    const model = modelOn({ instructionSet: "scalar" }, config);
    expect(requests.flatMap((one) => sample([one], { model }))).toEqual(
      requests.map(({ id }) => expected.find((result) => result.id === id)),
    );
  });
});

test("a broken decode kernel shows in the log-probs", () => {
  const model = modelOn({ fault: "decode-attention" });
  const [result] = sample([request("a", { maxNewTokens: 30 })], { model });
  if (result === undefined) throw new Error("no result");
  expect(rescore(new Scorer(model), result, 1)).not.toEqual(sampledLogprobs(result));
});

test("a request that comes in the middle changes nothing for those in hand, nor they for it", () => {
  const model = modelOn({});
  const late = request("late", { promptIds: randomIds(QWEN2, 21, 8), seed: [77] });
  const sampler = new Sampler({ model, kvCacheTokens: 1024 });
  sampler.add(request("early"));
  for (let i = 0; i < 6; i++) expect(sampler.step()).toEqual([]);
  sampler.add(late);
  const together = sampler.run();
  expect(together.map(({ id }) => id)).toEqual(["early", "late"]);
  expect(together).toEqual([
    ...sample([request("early")], { model }),
    ...sample([late], { model }),
  ]);
});

test("tokens are drawn as often as their probability says", () => {
  const model = modelOn({});
  const count = 4000;
  const [result] = sample([request("a", { count, maxNewTokens: 1 })], { model });
  const seen = new Map<number, { times: number; probability: number }>();
  for (const { tokens, logprobs } of result?.rollouts ?? []) {
    const token = tokens[0] as number;
    const times = (seen.get(token)?.times ?? 0) + 1;
    seen.set(token, { times, probability: Math.exp(logprobs[0] as number) });
  }
  const common = [...seen.values()].filter(({ probability }) => probability * count >= 10);
  const chiSquare = common
    .map(({ times, probability }) => (times - probability * count) ** 2 / (probability * count))
    .reduce((sum, term) => sum + term, 0);
  expect(common.length).toBeGreaterThan(8);
  // Mean n and variance 2n: five deviations above is a wrong distribution.
  expect(chiSquare).toBeLessThan(common.length + 5 * Math.sqrt(2 * common.length));
});

test("different rollouts and different seeds draw different answers", () => {
  const model = modelOn({});
  const [a, b] = sample([request("a"), request("b", { seed: [9, 2] })], { model });
  const answers = [...(a?.rollouts ?? []), ...(b?.rollouts ?? [])].map((r) => r.tokens.join());
  expect(new Set(answers).size).toBe(6);
});

test("temperature 0 takes the most likely token, with its log-prob at temperature 1", () => {
  const model = modelOn({});
  const [result] = sample([request("a", { temperature: 0, count: 1 })], { model });
  const rollout = result?.rollouts[0];
  if (result === undefined || rollout === undefined) throw new Error("no result");
  const scorer = new Scorer(model);
  const prefix = Int32Array.from([...result.promptIds, ...rollout.tokens.slice(0, 10)]);
  const pack = randomPack(QWEN2, { prompt: 1, answers: [] });
  const every = Array.from({ length: QWEN2.vocabularySize }, (_, id) => ({
    ...{ rollout: id, tokens: Int32Array.of(id), logprobs: new Float32Array(0) },
    ...{ advantage: 1, weight: 1 },
  }));
  const { logprobs } = scorer.score({ ...pack, promptTokens: prefix, answers: every });
  expect(logprobs.indexOf(Math.max(...logprobs))).toBe(rollout.tokens[10]);
  expect(Math.max(...logprobs)).toBe(rollout.logprobs[10]);
});

test("a stop token ends an answer and belongs to it; else the length does", () => {
  const model = modelOn({});
  const [free] = sample([request("a")], { model });
  const first = free?.rollouts[0]?.tokens ?? Int32Array.of();
  expect(free?.rollouts.map(({ finish }) => finish)).toEqual(["length", "length", "length"]);
  expect(first).toHaveLength(20);
  const stop = first[6] as number;
  const [stopped] = sample([request("a", { stopTokenIds: [stop] })], { model });
  const tokens = stopped?.rollouts[0]?.tokens ?? Int32Array.of();
  expect(stopped?.rollouts[0]?.finish).toBe("stop");
  expect(tokens).toEqual(first.slice(0, first.indexOf(stop) + 1));
});

test("an answer whose mean log-prob falls under the threshold is stopped early", () => {
  const model = modelOn({});
  const earlyStop = { alpha: 0.8, threshold: -2 };
  const [free] = sample([request("a", { maxNewTokens: 40 })], { model });
  const [watched] = sample([request("a", { maxNewTokens: 40, earlyStop })], { model });
  let mean = 0;
  const logprobs = free?.rollouts[0]?.logprobs ?? Float32Array.of();
  const end = logprobs.findIndex((logprob) => (mean = 0.8 * mean + (1 - 0.8) * logprob) < -2);
  expect(end).toBeGreaterThan(0);
  expect(watched?.rollouts[0]?.finish).toBe("early-stop");
  expect(watched?.rollouts[0]?.logprobs).toEqual(logprobs.slice(0, end + 1));
});

test("a cancelled request leaves the others as they are, and its memory to them", () => {
  const model = modelOn({});
  const sampler = new Sampler({ model, kvCacheTokens: 16 * 9 });
  sampler.add(request("gone", { maxNewTokens: 32 }));
  sampler.add(request("kept", { seed: [5] }));
  sampler.add(request("waiting"));
  for (let i = 0; i < 4; i++) sampler.step();
  expect([sampler.cancel("gone"), sampler.cancel("waiting")]).toEqual([true, true]);
  expect(sampler.cancel("gone")).toBe(false);
  expect(sampler.run()).toEqual(sample([request("kept", { seed: [5] })], { model }));
  expect(sampler.idle).toBe(true);
});

test("stats count each prompt once and every sampled token", () => {
  const sampler = new Sampler({ model: modelOn({}), kvCacheTokens: 1024 });
  sampler.add(request("a"));
  sampler.run();
  const counted = { numPrefillTokens: 7, numSampledTokens: 60, numSteps: 20 };
  expect(sampler.stats).toEqual(counted);
});

test("a request that can never be served is refused when it comes", () => {
  const sampler = new Sampler({ model: modelOn({}), kvCacheTokens: 64 });
  expect(() => sampler.add(request("a", { maxNewTokens: 66 }))).toThrow(RequestTooLargeError);
  expect(() => sampler.add(request("a", { promptIds: [] }))).toThrow("promptIds");
  expect(() => sampler.add(request("a", { promptIds: [67] }))).toThrow("vocabulary");
  expect(() => sampler.add(request("a", { count: 0 }))).toThrow("count");
  expect(() => sampler.add(request("a", { maxNewTokens: 0 }))).toThrow("maxNewTokens");
  expect(() => sampler.add(request("a", { temperature: -1 }))).toThrow("temperature");
  expect(sampler.idle).toBe(true);
  sampler.add(request("a"));
  expect(() => sampler.add(request("a"))).toThrow("a is in hand already");
});
