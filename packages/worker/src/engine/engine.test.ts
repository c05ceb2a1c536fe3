import {
  initialParameters,
  parseModelConfig,
  type SampleRequest,
  weightForm,
  WHOLE_DISTRIBUTION,
  writeWeights,
} from "@gumshoe/engine";
import { createCpuDevice } from "@gumshoe/kernels";
import type { WorkSize } from "@gumshoe/memory";
import { Region } from "@gumshoe/tensors";
import { afterEach, expect, test } from "vitest";

import { TINY_CONFIG } from "../../../../test/support/tiny-config.js";
import { Engine } from "./engine.js";

const CONFIG_JSON = JSON.stringify(TINY_CONFIG);
const CONFIG = parseModelConfig(JSON.parse(CONFIG_JSON));
const FORM = weightForm(CONFIG);

const REQUEST: SampleRequest = {
  id: "g",
  promptIds: [3, 4],
  count: 2,
  temperature: 1,
  maxNewTokens: 8,
  stopTokenIds: [],
  seed: [1],
  earlyStop: null,
};

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

function load(
  training: boolean,
  work: WorkSize | null = null,
): { engine: Engine; weights: string } {
  const engine = new Engine(createCpuDevice({ threads: 1 }), () => undefined);
  const region = Region.create(FORM.length, { isShared: true });
  closing.push(() => engine.dispose());
  writeWeights(FORM, region.values, initialParameters(CONFIG, 1, 0.2));
  engine.loadModel({ configJson: CONFIG_JSON, adapter: null, training, work, reference: null });
  const weights = engine.setWeights({ weights: region.memory });
  region.close();
  return { engine, weights };
}

test("a sampler that freed its cache samples the same and keeps its counters", () => {
  const { engine, weights } = load(false);
  const sample = () => {
    engine.addSample({ request: REQUEST, weights });
    for (;;) {
      const { results, tokens } = engine.sampleStep();
      if (results.length > 0) return { rollouts: results[0]?.rollouts, tokens };
      // While answers are sampled, nothing is freed.
      engine.releaseIdle(0);
    }
  };
  const first = sample();
  engine.releaseIdle(0);
  const second = sample();
  expect(second.rollouts).toEqual(first.rollouts);
  expect(second.tokens).toBe(2 * first.tokens);
});

test("a trainer that freed its activations computes the same gradient", () => {
  const { engine, weights } = load(true);
  const answer = { rollout: 0, tokens: Int32Array.of(5, 6), logprobs: new Float32Array(2) };
  const pack = {
    groupKey: "g",
    promptTokens: Int32Array.of(3, 4),
    answers: [{ ...answer, advantage: 1, weight: 0.5 }],
  };
  const loss = { policy: "cross-entropy" } as const;
  const cases = [
    { isShared: true, checkpointing: "none" },
    { isShared: true, checkpointing: "auto" },
    { isShared: false, checkpointing: "layer" },
  ] as const;
  const digests = cases.map(({ isShared, checkpointing }) => {
    const region = Region.create(FORM.numParameters, { isShared });
    const into = region.memory;
    const argument = { packs: [pack], loss, checkpointing, into, weights, reference: null };
    const gradient = engine.gradient({ ...argument, distribution: WHOLE_DISTRIBUTION });
    engine.releaseIdle(0);
    expect(region.values.some((value) => value !== 0)).toBe(true);
    region.close();
    return gradient.digest;
  });
  expect(new Set(digests).size).toBe(1);
});

test("a sampler sized by less work than comes samples the same", () => {
  const pack = { rows: 4, targets: 1, numBlocks: 1 };
  const tokens = { promptTokens: 1, answerTokens: 1 };
  const lanes = { packsPerLane: 1, lanes: 1 };
  const work = { groups: 1, answersPerGroup: 1, ...tokens, ...lanes, pack, samples: true };
  const promptIds = Array.from({ length: 40 }, (_, i) => i);
  const sampled = [null, work].map((size) => {
    const { engine, weights } = load(false, size);
    engine.addSample({ request: { ...REQUEST, promptIds }, weights });
    for (;;) {
      const { results } = engine.sampleStep();
      if (results.length > 0) return results[0]?.rollouts;
    }
  });
  expect(sampled[1]).toEqual(sampled[0]);
});
