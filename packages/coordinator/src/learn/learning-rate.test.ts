import { OptimizerConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { learningRate } from "./learning-rate.js";

const config = (more: object) => OptimizerConfig.parse({ lr: 0.1, ...more });

test("the learning rate rises during warm-up and then stays constant", () => {
  const rates = [0, 1, 3, 4, 50].map((u) => learningRate(config({ warmupUpdates: 4 }), u, 100));
  expect(rates).toEqual([0.025, 0.05, 0.1, 0.1, 0.1]);
});

test.each(["linear", "cosine"] as const)("%s decays to 0 after the last update", (schedule) => {
  const rate = (update: number) => learningRate(config({ schedule }), update, 100);
  expect(rate(0)).toBe(0.1);
  expect(rate(50)).toBeCloseTo(0.05, 12);
  expect(rate(99)).toBeGreaterThan(0);
  expect(rate(100)).toBeCloseTo(0, 12);
});
