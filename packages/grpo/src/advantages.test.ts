import { describe, expect, test } from "vitest";
import { advantages, hasZeroVariance } from "./advantages.js";

describe("advantages", () => {
  test("a group is centred on its mean and scaled by its population standard deviation", () => {
    const std = Math.sqrt(0.171875);
    const expected = [-0.625, -0.125, 0.375, 0.375].map((x) => x / (std + 1e-6));
    advantages([0, 0.5, 1, 1], "grpo").forEach((value, i) =>
      expect(value).toBeCloseTo(expected[i] as number, 12),
    );
  });

  test("dr-grpo subtracts the mean only, rloo the mean of the other answers", () => {
    expect(advantages([0, 0.5, 1, 1], "dr-grpo")).toEqual([-0.625, -0.125, 0.375, 0.375]);
    advantages([0, 0.5, 1, 1], "rloo").forEach((value, i) =>
      expect(value).toBeCloseTo([-2.5 / 3, -0.5 / 3, 0.5, 0.5][i] as number, 12),
    );
  });

  test("equal rewards give exact zeros, although their rounded mean differs from them", () => {
    const rewards = new Array<number>(50).fill(0.2);
    expect(rewards.reduce((a, b) => a + b) / 50).not.toBe(0.2);
    for (const kind of ["grpo", "dr-grpo", "rloo"] as const) {
      expect(advantages(rewards, kind)).toEqual(new Array(50).fill(0));
    }
  });

  test("a single answer and an empty group have no variance", () => {
    expect(hasZeroVariance([0.5])).toBe(true);
    expect(advantages([0.5], "rloo")).toEqual([0]);
    expect(advantages([], "grpo")).toEqual([]);
  });

  test("a reward that is not finite is rejected", () => {
    expect(() => advantages([0, NaN], "grpo")).toThrow("rewards: must be finite numbers");
    expect(() => advantages([Infinity, Infinity], "grpo")).toThrow("rewards");
  });
});
