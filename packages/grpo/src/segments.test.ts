import { expect, test } from "vitest";

import { DEFAULT_LOSS } from "./loss/config.js";
import { packLoss } from "./loss/pack-loss.js";
import { weighPacks } from "./normaliser.js";
import { countRowTokens, countTargets, type Pack, packRow } from "./pack.js";
import { packGroups } from "./packing.js";
import { segmentsProblem } from "./segments.js";

/** Two turns of 2 and 1 sampled tokens, with 3 given tokens between, beside an answer of one turn. */
const PACK: Pack = {
  groupKey: "0/train/0",
  promptTokens: Int32Array.of(1, 2),
  answers: [
    {
      rollout: 0,
      tokens: Int32Array.of(10, 11, 90, 91, 92, 12),
      segments: [2, 3, 1],
      logprobs: Float32Array.of(-1, -2, -3),
      advantage: 1,
      weight: 0,
    },
    {
      rollout: 1,
      tokens: Int32Array.of(20, 21),
      logprobs: Float32Array.of(-1, -1),
      advantage: -1,
      weight: 0,
    },
  ],
};

test("given tokens are rows that are attended to, and no targets", () => {
  const { tokens, targets, predictors, positions } = packRow(PACK);
  expect([...tokens]).toEqual([1, 2, 10, 11, 90, 91, 92, 12, 20, 21]);
  expect([...positions]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 2, 3]);
  expect([...targets]).toEqual([10, 11, 12, 20, 21]);
  // The first token of the second turn is predicted by the last given token.
  expect([...predictors]).toEqual([1, 2, 6, 1, 8]);
  expect([countTargets(PACK), countRowTokens(PACK)]).toEqual([5, 10]);
});

test("weights, loss and counts are those of the sampled tokens", () => {
  const weights = (type: "sequence-mean" | "token-mean") =>
    weighPacks([PACK], { type }).flatMap(({ answers }) => answers.map(({ weight }) => weight));
  expect(weights("sequence-mean")).toEqual([1 / 6, 1 / 4]);
  expect(weights("token-mean")).toEqual([1 / 5, 1 / 5]);
  const [pack = PACK] = weighPacks([PACK], { type: "sequence-mean" });
  const outputs = {
    newLogprobs: [-1, -2, -3.5, -1, -1],
    entropies: [0, 0, 0, 0, 0],
  };
  const { metrics, dLogprob } = packLoss(pack, { ...DEFAULT_LOSS, policy: "gspo" }, outputs);
  expect(metrics).toMatchObject({ numTokens: 5, numAnswers: 2, logprobGapMax: 0.5 });
  // The place of a gap is an index in the whole answer.
  expect(metrics.logprobGapAt).toEqual({ groupKey: "0/train/0", rollout: 0, token: 5 });
  expect(dLogprob.length).toBe(5);
  // The ratio of the sequence is the mean over its three sampled tokens.
  expect(dLogprob[0]).toBeCloseTo(-Math.exp(-0.5 / 3) / 6, 6);
});

test.each([
  [[], 6, null],
  [[6], 6, null],
  [[2, 3, 1], 6, null],
  [[2, 4], 6, "2 parts, so that the last is not sampled"],
  [[2, 0, 4], 6, "a part without tokens"],
  [[2, 3, 2], 6, "parts of 7 tokens together, of 6"],
])("the parts %j of %i tokens have the problem %s", (segments, numTokens, problem) => {
  expect(segmentsProblem(segments, numTokens)).toBe(problem);
});

test("packs of answers with wrong parts, or with log-probs of given tokens, are refused", () => {
  const [answer] = PACK.answers;
  if (answer === undefined) throw new Error("the pack has answers");
  const packed = (change: object) => () =>
    packGroups([{ ...PACK, answers: [{ ...answer, ...change }] }], { maxPackTokens: 64 });
  expect(packed({ segments: [2, 3, 2] })).toThrow("parts of 7 tokens together, of 6");
  const logprobs = new Float32Array(6);
  expect(packed({ logprobs })).toThrow("3 tokens but 6 log-probs");
});
