import { describe, expect, test } from "vitest";
import { DEFAULT_LOSS, type LossConfig } from "./config.js";
import { policyLoss } from "./policy.js";

function lossAt(ratio: number, advantage: number, change: Partial<LossConfig> = {}): number {
  const answer = { newLogprobs: [Math.log(ratio)], oldLogprobs: [0], advantage };
  return policyLoss(answer, { ...DEFAULT_LOSS, ...change }).loss[0] as number;
}

describe("policyLoss", () => {
  test.each([
    [1, 0.5, -0.5],
    [1, 1.5, -1.2],
    [-1, 0.5, 0.8],
    [-1, 0.9, 0.9],
    [-1, 1.5, 1.5],
  ])("clip: advantage %d at ratio %d costs %d", (advantage, ratio, expected) => {
    expect(lossAt(ratio, advantage)).toBeCloseTo(expected, 12);
  });

  test("the lower and the upper bound are independent", () => {
    expect(lossAt(1.5, 1, { clipHigh: 0.28 })).toBeCloseTo(-1.28, 12);
    expect(lossAt(0.5, -1, { clipHigh: 0.28 })).toBeCloseTo(0.8, 12);
  });

  test("a two-sided bound limits the loss of a bad answer only", () => {
    expect(lossAt(9, -1, { twoSided: 3 })).toBeCloseTo(3, 12);
    expect(lossAt(9, 1, { twoSided: 3 })).toBeCloseTo(-1.2, 12);
  });

  test("clipped tokens are counted separately for each bound", () => {
    const answer = { newLogprobs: [0.5, 0, -0.5], oldLogprobs: [0, 0, 0] };
    const good = policyLoss({ ...answer, advantage: 1 }, DEFAULT_LOSS);
    const bad = policyLoss({ ...answer, advantage: -1 }, DEFAULT_LOSS);
    expect([...good.clipped]).toEqual([1, 0, 0]);
    expect([...bad.clipped]).toEqual([0, 0, -1]);
    expect(good.dLogprob[0]).toBe(0);
    expect(bad.dLogprob[2]).toBe(0);
  });

  test("gspo gives every token of an answer the same ratio", () => {
    const answer = { newLogprobs: [-1, -2, -3], oldLogprobs: [-1.1, -1.9, -3.15], advantage: 1 };
    const { ratio, loss } = policyLoss(answer, { ...DEFAULT_LOSS, policy: "gspo" });
    expect(new Set(ratio).size).toBe(1);
    expect(ratio[0]).toBeCloseTo(Math.exp(0.15 / 3), 12);
    expect(new Set(loss).size).toBe(1);
  });

  const policies = ["clip", "gspo", "sapo"] as const;
  test.each(policies)("%s: the derivative is the slope of the loss", (policy) => {
    const config = { ...DEFAULT_LOSS, policy, twoSided: policy === "clip" ? 1.6 : null };
    const oldLogprobs = [-1, -0.4, -2, -0.9];
    const newLogprobs = [-0.95, -0.8, -1.4, -0.35];
    const step = 1e-6;
    for (const advantage of [0.7, -1.3]) {
      const total = (logprobs: number[]) =>
        policyLoss({ newLogprobs: logprobs, oldLogprobs, advantage }, config).loss.reduce(
          (a, b) => a + b,
        );
      const { dLogprob } = policyLoss({ newLogprobs, oldLogprobs, advantage }, config);
      newLogprobs.forEach((_, t) => {
        const moved = (by: number) => newLogprobs.map((x, i) => (i === t ? x + by : x));
        const slope = (total(moved(step)) - total(moved(-step))) / (2 * step);
        expect(dLogprob[t]).toBeCloseTo(slope, 7);
      });
    }
  });

  test("cispo keeps the gradient of every token, and its capped ratio is held constant", () => {
    const answer = { newLogprobs: [-0.5, -2], oldLogprobs: [-2, -1.9], advantage: 1 };
    const { dLogprob, clipped } = policyLoss(answer, { ...DEFAULT_LOSS, policy: "cispo" });
    expect(dLogprob[0]).toBe(-1.28);
    expect(dLogprob[1]).toBeCloseTo(-Math.exp(-0.1), 12);
    expect([...clipped]).toEqual([1, 0]);
  });
});
