/**
 * Scores of prompts, and alternatives to tokens, as a sampler reports them, against the trainer's scorer, which scores every
 * id of the vocabulary in their place.
 */
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { afterAll, expect, test } from "vitest";

import { TINY_CONFIG } from "../../../../test/support/tiny-config.js";
import { NotFiniteError } from "../errors.js";
import { Model } from "../model/model.js";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "../model/token-distribution.js";
import { Scorer } from "../trainer/scorer.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { parseModelConfig } from "../weights/model-config.js";
import { Sampler } from "./sampler.js";
import type { PromptScores, SampledToken, SampleRequest } from "./sequence.js";

const CONFIG = parseModelConfig({
  ...TINY_CONFIG,
  // Two blocks of the vocabulary, the second one ragged.
  vocab_size: 601,
  hidden_size: 24,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 256,
});
const IDS = Array.from({ length: CONFIG.vocabularySize }, (_, id) => id);
const STOP_TOKENS = IDS.slice(0, 400);

const devices: Device[] = [];
afterAll(() => {
  for (const device of devices) device.dispose();
});

function makeModel(parameters = initialParameters(CONFIG, 5, 0.3)): Model {
  const device = createCpuDevice({ threads: 2 });
  devices.push(device);
  const model = new Model({ device, config: CONFIG, training: false });
  model.setParameters(parameters);
  return model;
}
const MODEL = makeModel();
const SCORER = new Scorer(MODEL);

function request(id: string, more: Partial<SampleRequest> = {}): SampleRequest {
  return {
    id,
    promptIds: [3, 5, id.length, 8],
    count: 2,
    temperature: 1,
    maxNewTokens: 4,
    stopTokenIds: [1],
    seed: [9, id.length],
    earlyStop: null,
    ...more,
  };
}

/** Samples; returns what was reported, in order. */
function sample(requests: readonly SampleRequest[], model = MODEL) {
  const tokens: SampledToken[] = [];
  const prompts: PromptScores[] = [];
  const sampler = new Sampler({
    model,
    kvCacheTokens: 4096,
    onTokens: (some) => tokens.push(...some),
    onPromptScores: (some) => prompts.push(...some),
  });
  try {
    for (const one of requests) sampler.add(one);
    sampler.run();
  } finally {
    sampler.dispose();
  }
  return { tokens, prompts };
}

function score(before: readonly number[], answers: readonly (readonly number[])[], at = {}) {
  const pack = {
    groupKey: "all",
    promptTokens: Int32Array.from(before),
    answers: answers.map((ids, rollout) => ({
      rollout,
      tokens: Int32Array.from(ids),
      logprobs: new Float32Array(0),
      advantage: 0,
      weight: 0,
    })),
  };
  return [...SCORER.score(pack, at).logprobs];
}

/** Log-probs of all ids after some tokens. */
const scoreAll = (before: readonly number[], distribution: Partial<TokenDistribution>) =>
  score(
    before,
    IDS.map((id) => [id]),
    distribution,
  );

/** Checks that these are the likeliest ids by the log-probs of all. */
function expectLikeliest(
  alternatives: SampledToken["alternatives"],
  logprobs: readonly number[],
  count: number,
): void {
  const sorted = logprobs.filter((value) => value > -Infinity).sort((a, b) => b - a);
  expect(alternatives.map(({ logprob }) => logprob)).toEqual(sorted.slice(0, count));
  expect(alternatives.map(({ token }) => logprobs[token])).toEqual(sorted.slice(0, count));
  expect(new Set(alternatives.map(({ token }) => token)).size).toBe(alternatives.length);
}

test.each<Partial<SampleRequest> & { id: string }>([
  { id: "plain", alternatives: 1 },
  { id: "many", alternatives: 20 },
  { id: "all ids", alternatives: CONFIG.vocabularySize, count: 1, maxNewTokens: 2 },
  { id: "hot", alternatives: 5, temperature: 1.7 },
  { id: "greedy", alternatives: 5, temperature: 0 },
  { id: "top-k", alternatives: 5, topK: 3 },
  { id: "top-p", alternatives: 20, topP: 0.4, temperature: 0.5 },
  { id: "min-p", alternatives: 20, minP: 0.2 },
  { id: "stop tokens", alternatives: 6, minNewTokens: 2, stopTokenIds: STOP_TOKENS },
  { id: "all", alternatives: 9, minNewTokens: 2, stopTokenIds: STOP_TOKENS, topK: 4, minP: 0.1 },
])("the alternatives of $id are the likeliest ids, with the scorer's bits", (changes) => {
  const one = request(changes.id, changes);
  const { temperature, topK = null, topP = 1, minP = 0, minNewTokens = 0, stopTokenIds } = one;
  const answers: number[][] = Array.from({ length: one.count }, () => []);
  const { tokens } = sample([request("another"), one, request("third", { alternatives: 2 })]);
  for (const { id, rollout, token, alternatives } of tokens) {
    if (id === "another") expect(alternatives).toEqual([]);
    if (id !== one.id) continue;
    const own = answers[rollout] ?? [];
    const all = scoreAll([...Array.from(one.promptIds), ...own], {
      temperature: temperature === 0 ? 1 : temperature,
      topK,
      topP,
      minP,
      // The scorer's answers begin here.
      minNewTokens: Math.max(0, minNewTokens - own.length),
      stopTokenIds,
    });
    expectLikeliest(alternatives, all, changes.alternatives ?? 0);
    if (temperature === 0) expect(alternatives[0]?.token).toBe(token);
    own.push(token);
  }
  expect(answers.flat().length).toBeGreaterThan(one.count);
});

test.each([0, 0.6, 1])("prompts are scored with the scorer's bits, at temperature %d", (t) => {
  const long = Array.from({ length: 90 }, (_, i) => (i * 37) % CONFIG.vocabularySize);
  const options = { scoresPrompt: true, alternatives: 3, temperature: t, topK: 2, maxNewTokens: 1 };
  const { prompts } = sample([
    request("long", { ...options, promptIds: long }),
    request("none", { promptIds: [4, 5, 6] }),
    request("two", { ...options, promptIds: [600, 7] }),
    request("one", { ...options, promptIds: [600] }),
  ]);
  expect(prompts.map(({ id, scores }) => [id, scores.length])).toEqual([
    ["long", 89],
    ["two", 1],
    ["one", 0],
  ]);
  const distribution = { ...WHOLE_DISTRIBUTION, temperature: t === 0 ? 1 : t };
  const [scores = []] = prompts.map((prompt) => prompt.scores);
  const given = score(long.slice(0, 1), [long.slice(1)], distribution);
  expect(scores.map(({ logprob }) => logprob)).toEqual(given);
  for (const i of [0, 1, 15, 16, 63, 88]) {
    const all = scoreAll(long.slice(0, i + 1), distribution);
    expectLikeliest(scores[i]?.alternatives ?? [], all, 3);
  }
});

test("a batch of more rows than are scored at a time has the same scores", () => {
  const promptIds = Array.from({ length: 200 }, (_, i) => (i * 53) % CONFIG.vocabularySize);
  const options = { scoresPrompt: true, alternatives: 4, promptIds, maxNewTokens: 1, count: 1 };
  const alone = sample([request("0", options)]);
  const many = sample(Array.from({ length: 9 }, (_, i) => request(`${i}`, options)));
  expect(many.prompts).toHaveLength(9);
  for (const { scores } of many.prompts) expect(scores).toEqual(alone.prompts[0]?.scores);
});

test("reporting changes no token", () => {
  const report = { alternatives: 3, scoresPrompt: true };
  const [plain, more] = [sample([request("a")]), sample([request("a", report)])];
  expect(more.tokens.map((token) => ({ ...token, alternatives: [] }))).toEqual(plain.tokens);
});

test("a wrong number of alternatives is refused, as are scores that could not be reported", () => {
  const add = (more: Partial<SampleRequest>) => sample([request("wrong", more)]);
  for (const alternatives of [-1, 1.5, NaN, CONFIG.vocabularySize + 1]) {
    expect(() => add({ alternatives })).toThrow(/alternatives: is .* not a whole number/);
  }
  const sampler = new Sampler({ model: MODEL, kvCacheTokens: 4096 });
  expect(() => sampler.add(request("unheard", { scoresPrompt: true }))).toThrow(/onPromptScores/);
  sampler.dispose();
});

test("logits that are not finite are an error", () => {
  const parameters = initialParameters(CONFIG, 5, 0.3);
  const model = makeModel(parameters.fill(NaN, 0, 2000));
  const scored = { scoresPrompt: true, alternatives: 2 };
  expect(() => sample([request("broken", scored)], model)).toThrow(NotFiniteError);
});
