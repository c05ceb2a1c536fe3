import type { Pack } from "@gumshoe/grpo";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { afterAll, describe, expect, test } from "vitest";

import { TINY_CONFIG } from "../../../../test/support/tiny-config.js";
import { Model } from "../model/model.js";
import type { TokenDistribution } from "../model/token-distribution.js";
import { Scorer } from "../trainer/scorer.js";
import { Trainer } from "../trainer/trainer.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { parseModelConfig } from "../weights/model-config.js";
import { Sampler } from "./sampler.js";
import type { SampleRequest, SampleResult, SamplingOptions } from "./sequence.js";

const CONFIG = parseModelConfig({
  ...TINY_CONFIG,
  vocab_size: 601,
  hidden_size: 24,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 256,
});
/** Two ids of three are stop tokens, so that a minimum length has something to do. */
const STOP_TOKENS = Array.from({ length: 400 }, (_, i) => i);

const devices: Device[] = [];
afterAll(() => {
  for (const device of devices) device.dispose();
});

function makeModel(threads = 1): Model {
  const device = createCpuDevice({ threads });
  devices.push(device);
  const model = new Model({ device, config: CONFIG, training: true });
  model.setParameters(initialParameters(CONFIG, 5, 0.3));
  return model;
}
const MODEL = makeModel();

function request(id: string, more: Partial<SampleRequest> = {}): SampleRequest {
  return {
    id,
    promptIds: [3, 5, id.length, 8],
    count: 4,
    temperature: 1,
    maxNewTokens: 12,
    stopTokenIds: [1],
    seed: [9, id.length],
    earlyStop: null,
    ...more,
  };
}

/** Ids as text: letters a to z in turn. */
const decode = (ids: readonly number[]) =>
  ids.map((id) => String.fromCharCode(97 + (id % 26))).join("");

function sample(requests: readonly SampleRequest[], model = MODEL): Map<string, SampleResult> {
  const sampler = new Sampler({ model, kvCacheTokens: 4096, decode });
  for (const one of requests) sampler.add(one);
  const results = new Map(sampler.run().map((result) => [result.id, result]));
  sampler.dispose();
  return results;
}

function toPack(result: SampleResult): Pack {
  const answers = result.rollouts.map(({ tokens, logprobs }, rollout) => ({
    rollout,
    tokens,
    logprobs,
    advantage: 0,
    weight: 0,
  }));
  return { groupKey: result.id, promptTokens: result.promptIds, answers };
}

function distributionOf({ temperature, stopTokenIds, ...rest }: SampleRequest) {
  const { topK = null, topP = 1, minP = 0, minNewTokens = 0 } = rest;
  return { temperature, topK, topP, minP, minNewTokens, stopTokenIds } satisfies TokenDistribution;
}

const OPTIONS: Readonly<Record<string, SamplingOptions>> = {
  plain: {},
  "top-p": { topP: 0.8 },
  "top-k": { topK: 7 },
  "min-p": { minP: 0.1 },
  minimum: { minNewTokens: 5 },
  everything: { topK: 50, topP: 0.9, minP: 0.02, minNewTokens: 3 },
};
const REQUESTS = Object.entries(OPTIONS).map(([id, options]) =>
  request(id, { ...options, temperature: 0.8, stopTokenIds: STOP_TOKENS }),
);

describe("sampling options", () => {
  const together = sample(REQUESTS);

  test.each(REQUESTS)("the trainer scores answers of $id bit for bit", (one) => {
    const result = together.get(one.id) as SampleResult;
    const sampled = result.rollouts.flatMap(({ logprobs }) => [...logprobs]);
    const scorer = new Scorer(MODEL);
    expect([...scorer.score(toPack(result), distributionOf(one)).logprobs]).toEqual(sampled);
    scorer.dispose();
  });

  test("an answer depends on its request alone, not on the options of its batch", () => {
    const alone = REQUESTS.map((one) => sample([one]).get(one.id));
    const threaded = sample([...REQUESTS].reverse(), makeModel(2));
    for (const [i, { id }] of REQUESTS.entries()) {
      expect(alone[i]).toEqual(together.get(id));
      expect(threaded.get(id)).toEqual(together.get(id));
    }
  });

  test("a minimum length is reached, and one of 0 is not a minimum", () => {
    const lengths = (id: string) => together.get(id)?.rollouts.map(({ tokens }) => tokens.length);
    expect(Math.min(...(lengths("minimum") ?? []))).toBeGreaterThan(5);
    expect(Math.min(...(lengths("plain") ?? []))).toBeLessThan(3);
  });

  test("top-k of 1 is greedy, with log-probs of 0", () => {
    const results = sample([request("one", { topK: 1 }), request("greedy", { temperature: 0 })]);
    const one = results.get("one")?.rollouts[0];
    const longGreedy = sample([request("one", { temperature: 0 })]).get("one")?.rollouts[0];
    expect(one?.tokens).toEqual(longGreedy?.tokens);
    expect([...(one?.logprobs ?? [])].every((value) => value === 0)).toBe(true);
    expect([...(longGreedy?.logprobs ?? [])].some((value) => value < -0.1)).toBe(true);
  });

  test("at temperature 0 the answer and its log-probs are those without top-k, top-p and min-p", () => {
    const cut = { topK: 3, topP: 0.5, minP: 0.2 };
    const greedy = request("g", { temperature: 0 });
    expect(sample([{ ...greedy, ...cut }])).toEqual(sample([greedy]));
  });

  test("the gradient is the slope of the log-probs of the kept tokens, however packs are batched", () => {
    const one = REQUESTS.find(({ id }) => id === "everything") as SampleRequest;
    const pack = toPack(together.get(one.id) as SampleResult);
    const packs = [pack, { ...pack, answers: pack.answers.slice(1, 3) }];
    const lossOf = (
      _: Pack,
      { logprobs, entropies }: { logprobs: Float32Array; entropies: Float32Array },
    ) => ({
      loss: logprobs.reduce(
        (sum, value, i) => sum + value * (i % 3) + 0.1 * (entropies[i] ?? 0),
        0,
      ),
      dLogprob: logprobs.map((_value, i) => i % 3),
      dEntropy: logprobs.map(() => 0.1),
    });
    const gradientOf = (options: { maxBatchRows?: number; checkpointing?: "layer" }) => {
      const trainer = new Trainer({ model: MODEL, ...options });
      trainer.zeroGradient();
      trainer.accumulate(packs, lossOf, distributionOf(one));
      const gradient = trainer.readGradient();
      trainer.dispose();
      return gradient;
    };
    const gradient = gradientOf({});
    expect(gradientOf({ maxBatchRows: 1 })).toEqual(gradient);
    // Without kept logits, the backward pass excludes by the cuts.
    expect(gradientOf({ checkpointing: "layer" })).toEqual(gradient);
    const norm = Math.hypot(...gradient);
    const weights = new Float32Array(gradient.length);
    MODEL.readParameters(weights);
    const trainer = new Trainer({ model: MODEL });
    const lossAt = (step: number) => {
      MODEL.setParameters(weights.map((w, i) => w + (step * (gradient[i] ?? 0)) / norm));
      const outcomes = trainer.accumulate(packs, lossOf, distributionOf(one));
      return outcomes.reduce((sum, { loss }) => sum + loss, 0);
    };
    const slope = (lossAt(1e-4) - lossAt(-1e-4)) / 2e-4;
    MODEL.setParameters(weights);
    trainer.dispose();
    expect(slope / norm).toBeCloseTo(1, 1);
  });

  test("a token that other weights exclude has the log-prob -Infinity", () => {
    const one = REQUESTS.find(({ id }) => id === "top-k") as SampleRequest;
    const scorer = new Scorer(MODEL);
    const scores = scorer.score(toPack(together.get("plain") as SampleResult), distributionOf(one));
    scorer.dispose();
    const outside = [...scores.logprobs].filter((value) => value === -Infinity).length;
    expect(outside).toBeGreaterThan(0);
    expect(outside).toBeLessThan(scores.logprobs.length);
    expect([...scores.entropies].every((value) => value <= Math.log(7) + 1e-6)).toBe(true);
  });
});

describe("stop strings", () => {
  const free = sample([request("s", { maxNewTokens: 40 })]).get("s") as SampleResult;
  const text = decode([...(free.rollouts[0]?.tokens ?? [])]);
  const string = text.slice(6, 8);

  test("the token that completes one is the last, and all before it are those without", () => {
    const stopped = sample([request("s", { maxNewTokens: 40, stopStrings: ["%", string] })]);
    for (const [i, { tokens, finish, logprobs }] of (stopped.get("s")?.rollouts ?? []).entries()) {
      const whole = free.rollouts[i] as (typeof free.rollouts)[number];
      const at = decode([...whole.tokens]).indexOf(string);
      const length = at < 0 ? whole.tokens.length : at + 2;
      expect(finish).toBe(at < 0 ? whole.finish : "stop-string");
      expect([...tokens]).toEqual([...whole.tokens.slice(0, length)]);
      expect([...logprobs]).toEqual([...whole.logprobs.slice(0, length)]);
    }
    expect(stopped.get("s")?.rollouts[0]?.tokens.length).toBeLessThan(9);
  });

  test("one that ends within the minimum length is not found", () => {
    const minimum = { maxNewTokens: 40, minNewTokens: 8 };
    const base = sample([request("s", minimum)]).get("s")?.rollouts[0];
    const words = decode([...(base?.tokens ?? [])]);
    const early = words.slice(0, 1);
    const found = sample([request("s", { ...minimum, stopStrings: [early] })]).get("s")
      ?.rollouts[0];
    const at = words.indexOf(early, 8);
    expect(found?.tokens.length).toBe(at < 0 ? base?.tokens.length : at + 1);
    const late = words.slice(7, 9);
    const across = sample([request("s", { ...minimum, stopStrings: [late] })]).get("s")
      ?.rollouts[0];
    expect(across?.tokens.length).toBe(9);
  });
});

test.each<[Partial<SampleRequest>, string]>([
  [{ topP: 0 }, "topP: is 0, not above 0 and at most 1"],
  [{ topP: 1.5 }, "topP: is 1.5"],
  [{ topP: NaN }, "topP: is NaN"],
  [{ topK: -1 }, "topK: is -1, not a whole number from 1 on; leave it out to keep all tokens"],
  [{ topK: 0 }, "topK: is 0"],
  [{ minP: 2 }, "minP: is 2, not a number from 0 to 1"],
  [{ minNewTokens: 13 }, "minNewTokens: is 13, above maxNewTokens = 12"],
  [{ minNewTokens: 1.5 }, "minNewTokens: is 1.5"],
  [
    { minNewTokens: 1, stopTokenIds: Array.from({ length: 601 }, (_, i) => i) },
    "minNewTokens: leaves no token to sample",
  ],
  [{ stopStrings: [""] }, "stopStrings[0]: is empty"],
  [{ stopStrings: ["a", "x".repeat(201)] }, "stopStrings[1]: has 201 characters, above 200"],
  [{ stopStrings: Array.from({ length: 17 }, () => "a") }, "stopStrings: has 17 texts, above 16"],
  [{ stopStrings: ["\ud83d"] }, "stopStrings[0]: has half a character"],
])("a request with %o is refused with the field", (more, problem) => {
  expect(() => sample([request("bad", more)])).toThrow(`request bad: ${problem}`);
});

test("a sampler that cannot decode refuses stop strings", () => {
  const sampler = new Sampler({ model: MODEL });
  expect(() => sampler.add(request("bad", { stopStrings: ["a"] }))).toThrow(
    "stopStrings: cannot be found by a sampler without a decoder",
  );
  sampler.dispose();
});
