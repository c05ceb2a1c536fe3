import { describe, expect, test } from "vitest";
import { MissingLogprobsError, NonFiniteLossError } from "../errors.js";
import type { Pack } from "../pack.js";
import { DEFAULT_LOSS, type LossConfig } from "./config.js";
import { packLoss, type PackOutputs } from "./pack-loss.js";

const PACK: Pack = {
  groupKey: "2/train/5",
  promptTokens: Int32Array.of(1, 2, 3),
  answers: [
    {
      rollout: 0,
      tokens: Int32Array.of(4, 5),
      logprobs: Float32Array.of(-1, -0.5),
      advantage: 1.5,
      weight: 0.25,
    },
    {
      rollout: 3,
      tokens: Int32Array.of(4, 6, 7),
      logprobs: Float32Array.of(-2, -0.25, -0.75),
      advantage: -0.5,
      weight: 0.125,
    },
  ],
};
const SAMPLED = [-1, -0.5, -2, -0.25, -0.75];
const OUTPUTS: PackOutputs = { newLogprobs: SAMPLED, entropies: [1, 2, 3, 4, 5] };

const loss = (change: Partial<LossConfig>, outputs: Partial<PackOutputs> = {}) =>
  packLoss(PACK, { ...DEFAULT_LOSS, ...change }, { ...OUTPUTS, ...outputs });

describe("packLoss", () => {
  test("for the policy that sampled, the gradient is -weight * advantage and the gap exactly 0", () => {
    const { dLogprob, dEntropy, metrics } = loss({});
    expect([...dLogprob]).toEqual([-0.375, -0.375, 0.0625, 0.0625, 0.0625]);
    expect(dEntropy).toBeNull();
    expect(metrics).toMatchObject({ numTokens: 5, numAnswers: 2, ratioSum: 5, entropySum: 15 });
    expect(metrics).toMatchObject({ logprobGapMax: 0, logprobGapAt: null, policyKlSum: 0 });
  });

  test("the gap is reported with its rollout and token", () => {
    const newLogprobs = SAMPLED.map((x, i) => (i === 3 ? x + 0.5 : x));
    const { metrics } = loss({}, { newLogprobs });
    expect(metrics.logprobGapMax).toBe(0.5);
    expect(metrics.logprobGapAt).toEqual({ groupKey: "2/train/5", rollout: 3, token: 1 });
  });

  test("the loss is the weighted sum of policy, divergence and entropy terms", () => {
    const newLogprobs = [-0.9, -0.6, -2.1, -0.2, -0.8];
    const referenceLogprobs = [-1.1, -0.5, -1.9, -0.4, -0.7];
    const config = { klCoefficient: 0.1, entropyCoefficient: 0.01 };
    const result = loss(config, { newLogprobs, referenceLogprobs });
    const advantages = [1.5, 1.5, -0.5, -0.5, -0.5];
    const weights = [0.25, 0.25, 0.125, 0.125, 0.125];
    const expected = newLogprobs.reduce((total, x, i) => {
      const reference = referenceLogprobs[i] as number;
      const kl = Math.exp(reference - x) - (reference - x) - 1;
      const policy = -Math.exp(x - (SAMPLED[i] as number)) * (advantages[i] as number);
      return total + (weights[i] as number) * (policy + 0.1 * kl - 0.01 * (i + 1));
    }, 0);
    expect(result.loss).toBeCloseTo(expected, 12);
    expect([...(result.dEntropy ?? [])]).toEqual(weights.map((w) => Math.fround(-w * 0.01)));
  });

  test("the derivative is the slope of the loss, including divergence and correction", () => {
    const newLogprobs = [-0.9, -0.6, -2.1, -0.2, -0.8];
    const outputs = {
      referenceLogprobs: [-1.1, -0.5, -1.9, -0.4, -0.7],
      oldLogprobs: [-1, -0.45, -2, -0.3, -0.7],
    };
    const config = { klCoefficient: 0.1, truncatedImportanceSampling: 1.02 };
    const at = (logprobs: number[]) => loss(config, { ...outputs, newLogprobs: logprobs });
    const { dLogprob } = at(newLogprobs);
    newLogprobs.forEach((_, t) => {
      const moved = (by: number) => newLogprobs.map((x, i) => (i === t ? x + by : x));
      const slope = (at(moved(1e-6)).loss - at(moved(-1e-6)).loss) / 2e-6;
      expect(dLogprob[t]).toBeCloseTo(slope, 6);
    });
  });

  test("truncated importance sampling lowers the weight of tokens that the sampler overestimated", () => {
    const oldLogprobs = SAMPLED.map((x) => x - 0.1);
    const config = { truncatedImportanceSampling: 2 };
    const { dLogprob } = loss(config, { oldLogprobs, newLogprobs: oldLogprobs });
    expect(dLogprob[0]).toBeCloseTo(-0.375 * Math.exp(-0.1), 6);
    const capped = loss({ truncatedImportanceSampling: 0.5 }, { oldLogprobs: SAMPLED });
    expect(capped.dLogprob[0]).toBeCloseTo(-0.375 * 0.5, 6);
  });

  test("with weights that are the old ones, too, only the importance weighs, and metrics compare with the sampler", () => {
    const newLogprobs = SAMPLED.map((x, i) => x + (i === 0 ? Math.log(3) : Math.log(0.5)));
    const outputs = { newLogprobs, oldLogprobs: newLogprobs };
    const { dLogprob, metrics } = loss({ truncatedImportanceSampling: 2 }, outputs);
    const plain = loss({}, { newLogprobs: SAMPLED });
    // Clipping at 1.2 would have left the first token without a gradient.
    expect(dLogprob[0]).toBeCloseTo(2 * (plain.dLogprob[0] ?? NaN), 6);
    expect(dLogprob[1]).toBeCloseTo(0.5 * (plain.dLogprob[1] ?? NaN), 6);
    expect(metrics).toMatchObject({ numClippedHigh: 1, numClippedLow: 0 });
    expect(metrics.ratioSum).toBeCloseTo(3 + 4 * 0.5, 10);
    const kl = (ratio: number) => ratio - 1 - Math.log(ratio);
    expect(metrics.policyKlSum).toBeCloseTo(kl(3) + 4 * kl(0.5), 10);
  });

  test("a config that needs missing log-probs is an error", () => {
    expect(() => loss({ klCoefficient: 0.1 })).toThrow(MissingLogprobsError);
    expect(() => loss({ truncatedImportanceSampling: 2 })).toThrow("old log-probs");
    expect(() => loss({}, { newLogprobs: [-1] })).toThrow("5 targets, but 1 values");
  });

  test.each(["clip", "gspo", "cispo", "sapo"] as const)(
    "a token that is excluded has ratio 0 and no gradient, and is counted, with %s",
    (policy) => {
      const newLogprobs = SAMPLED.map((x, i) => (i === 0 || i === 3 ? -Infinity : x));
      const { dLogprob, metrics } = loss({ policy }, { newLogprobs });
      expect([0, 3].map((i) => Math.abs(dLogprob[i] ?? NaN))).toEqual([0, 0]);
      expect(metrics).toMatchObject({ numExcluded: 2, policyKlSum: 0, logprobGapMax: 0 });
      // The ratio of gspo is that of the whole answer, which has probability 0.
      expect(metrics.ratioSum).toBe(policy === "gspo" ? 0 : 3);
      expect([...dLogprob].filter((value) => value !== 0).length).toBe(policy === "gspo" ? 0 : 3);
      expect(Number.isFinite(metrics.loss)).toBe(true);
      expect(loss({ policy }).metrics.numExcluded).toBe(0);
    },
  );

  test("a loss that is not finite is reported with its token", () => {
    const newLogprobs = SAMPLED.map((x, i) => (i === 4 ? NaN : x));
    expect(() => loss({}, { newLogprobs })).toThrow(NonFiniteLossError);
    expect(() => loss({}, { newLogprobs })).toThrow("group 2/train/5 rollout 3 token 2");
    expect(() => packLoss(PACK, { policy: "cross-entropy" }, { ...OUTPUTS, newLogprobs })).toThrow(
      "rollout 3 token 2",
    );
  });

  test("cross-entropy lowers the weighted negative log-likelihood", () => {
    const result = packLoss(PACK, { policy: "cross-entropy" }, OUTPUTS);
    expect(result.loss).toBe(0.25 * 1.5 + 0.125 * 3);
    expect([...result.dLogprob]).toEqual([-0.25, -0.25, -0.125, -0.125, -0.125]);
    expect(result.dEntropy).toBeNull();
  });
});
