/** Answers of several turns: what is given between turns is context, and the rest is sampled as ever. */
import type { Pack } from "@gumshoe/grpo";
import { createCpuDevice } from "@gumshoe/kernels";
import { afterAll, expect, test } from "vitest";

import { TINY_CONFIG } from "../../../../test/support/tiny-config.js";
import { Model } from "../model/model.js";
import { Scorer } from "../trainer/scorer.js";
import { initialParameters } from "../weights/initial-parameters.js";
import { parseModelConfig } from "../weights/model-config.js";
import { Sampler, type SamplerOptions } from "./sampler.js";
import type { SampleRequest, SampleResult, TurnEnd } from "./sequence.js";

const CONFIG = parseModelConfig({
  ...TINY_CONFIG,
  vocab_size: 40,
  hidden_size: 24,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  max_position_embeddings: 256,
});
const device = createCpuDevice({ threads: 1 });
const model = new Model({ device, config: CONFIG, training: false });
model.setParameters(initialParameters(CONFIG, 5, 0.3));
afterAll(() => device.dispose());

function request(id: string, more: Partial<SampleRequest> = {}): SampleRequest {
  return {
    id,
    promptIds: [3, 5, id.length, 8],
    count: 4,
    temperature: 1,
    maxNewTokens: 90,
    stopTokenIds: [1, 2, 4],
    seed: [9, id.length],
    earlyStop: null,
    turns: { maxTokens: 12 },
    ...more,
  };
}

const REQUESTS = ["a", "bb", "ccc"].map((id) => request(id));

/** What the other side says: it depends on the reply alone. Null: nothing, after some replies. */
function answerTo({ tokens, room }: TurnEnd): number[] | null {
  const sum = tokens.reduce((total, token) => total + token, 0);
  const given = Array.from({ length: 1 + (sum % 23) }, (_, i) => (sum * 7 + i) % 40);
  return given.length < room && sum % 5 !== 0 ? given : null;
}

/** Samples requests. @param delay  steps after which a turn is answered, by the number of turns before it */
function sample(
  requests: readonly SampleRequest[],
  { delay = () => 0, ...options }: Partial<SamplerOptions> & { delay?: (n: number) => number } = {},
): Map<string, SampleResult> {
  const waiting: { turn: TurnEnd; at: number }[] = [];
  let step = 0;
  let numTurns = 0;
  const sampler = new Sampler({
    model,
    kvCacheTokens: 4096,
    onTurns: (turns) => {
      for (const turn of turns) waiting.push({ turn, at: step + delay(numTurns++) });
    },
    ...options,
  });
  for (const one of requests) sampler.add(one);
  const results = new Map<string, SampleResult>();
  for (; !sampler.idle; step++) {
    for (const result of sampler.step()) results.set(result.id, result);
    for (const { turn } of waiting.filter(({ at }) => at <= step)) {
      expect(sampler.resume(turn.id, turn.rollout, answerTo(turn))).toBe(true);
    }
    waiting.splice(0, waiting.length, ...waiting.filter(({ at }) => at > step));
    expect(step).toBeLessThan(5000);
  }
  sampler.dispose();
  return results;
}

function toPack({ id, promptIds, rollouts }: SampleResult): Pack {
  const answers = rollouts.map((one, rollout) => ({ ...one, rollout, advantage: 0, weight: 0 }));
  return { groupKey: id, promptTokens: promptIds, answers };
}

const expected = sample(REQUESTS);

test("an answer goes on behind what is given, which has no log-prob, until nothing follows", () => {
  const rollouts = [...expected.values()].flatMap((result) => result.rollouts);
  const parts = rollouts.map(({ segments = [] }) => segments.length);
  expect(Math.max(...parts)).toBeGreaterThan(3);
  for (const { tokens, segments = [tokens.length], logprobs } of rollouts) {
    const sum = (lengths: readonly number[]) => lengths.reduce((total, one) => total + one, 0);
    expect(segments.length % 2).toBe(1);
    expect(sum(segments)).toBe(tokens.length);
    expect(sum(segments.filter((_, part) => part % 2 === 0))).toBe(logprobs.length);
    expect(tokens.length).toBeLessThanOrEqual(90);
    // Every turn ends with a stop token or at its limit, and what is given is what follows that turn.
    let start = 0;
    for (const [part, length] of segments.entries()) {
      const ids = tokens.subarray(start, start + length);
      start += length;
      if (part % 2 === 0) {
        if (part < segments.length - 1) {
          expect(length === 12 || [1, 2, 4].includes(ids[length - 1] as number)).toBe(true);
        }
        continue;
      }
      const before = tokens.slice(start - length - (segments[part - 1] as number), start - length);
      const turn = { id: "", rollout: 0, tokens: before, finish: "stop", room: 90 } as const;
      expect([...ids]).toEqual(answerTo(turn));
    }
  }
});

test("the trainer scores the sampled tokens of all turns bit for bit", () => {
  const scorer = new Scorer(model);
  for (const result of expected.values()) {
    const sampled = result.rollouts.flatMap(({ logprobs }) => [...logprobs]);
    expect([...scorer.score(toPack(result)).logprobs]).toEqual(sampled);
  }
  scorer.dispose();
});

test.each<[string, Parameters<typeof sample>[1]]>([
  ["late, and in another order", { delay: (n) => (n * 7) % 11 }],
  ["in a batch of three", { maxBatch: 3 }],
  ["in a small cache", { kvCacheTokens: 128, delay: (n) => n % 4 }],
  ["a few given tokens at a time", { maxPrefillTokens: 4 }],
])("answers are the same when turns are resumed %s", (_how, options) => {
  const other = sample([...REQUESTS].reverse(), options);
  for (const { id } of REQUESTS) expect(other.get(id)).toEqual(expected.get(id));
});

test("a stop string ends a turn, and is not found in what was given", () => {
  const decode = (ids: readonly number[]) => ids.map((id) => String.fromCharCode(97 + id)).join("");
  const stopping = request("s", {
    stopStrings: ["l"],
    turns: { maxTokens: null },
    stopTokenIds: [],
  });
  const { rollouts } = sample([stopping], { decode }).get("s") as SampleResult;
  expect(rollouts.some(({ segments = [] }) => segments.length > 1)).toBe(true);
  for (const { tokens, segments = [] } of rollouts) {
    let start = 0;
    for (const [part, length] of segments.slice(0, -1).entries()) {
      const text = decode([...tokens.subarray(start, start + length)]);
      if (part % 2 === 0) expect(text.indexOf("l")).toBe(length - 1);
      start += length;
    }
  }
});

test("while all answers wait there is no work, and a cancelled request waits no more", () => {
  const turns: TurnEnd[] = [];
  const sampler = new Sampler({ model, onTurns: (ended) => turns.push(...ended) });
  sampler.add(request("w", { turns: { maxTokens: 1 } }));
  do sampler.step();
  while (sampler.hasWork);
  expect(sampler.idle).toBe(false);
  expect(turns.map(({ rollout, room }) => [rollout, room])).toEqual(
    [0, 1, 2, 3].map((rollout) => [rollout, 89]),
  );
  expect(() => sampler.resume("w", 0, [])).toThrow("request w: given to 0: is empty");
  expect(() => sampler.resume("w", 1, [40])).toThrow("has 40 at 0, outside the vocabulary of 40");
  const long = new Array<number>(89).fill(3);
  expect(() => sampler.resume("w", 2, long)).toThrow("has 89 tokens, and the answer room for 89");
  expect(sampler.resume("w", 0, [7])).toBe(true);
  expect(sampler.resume("w", 0, [7])).toBe(false);
  expect(sampler.cancel("w")).toBe(true);
  expect(sampler.resume("w", 1, [7])).toBe(false);
  expect(sampler.idle).toBe(true);
  sampler.dispose();
});

test("a request with turns is refused by a sampler that would leave it waiting, and without a limit of a turn", () => {
  const sampler = new Sampler({ model });
  expect(() => sampler.add(request("t"))).toThrow("turns: cannot be taken by a sampler without");
  sampler.dispose();
  const other = new Sampler({ model, onTurns: () => undefined });
  const wrong = request("t", { turns: { maxTokens: 0 } });
  expect(() => other.add(wrong)).toThrow("turns.maxTokens: is 0, not a whole number from 1 on");
  other.dispose();
});
