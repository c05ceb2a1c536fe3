import { expect, test } from "vitest";

import { shapeConfig } from "./shapes.js";
import { forwardFlops, trainingFlops } from "./work.js";

test("counted operations are two per weight and token, plus attention to earlier tokens", () => {
  const config = shapeConfig("2m");
  // 512 x 192 embedding; per layer q, k, v with biases, o, three of 192 x 512, two norms; final
  // norm.
  const layer = 192 * 192 + 192 + 2 * (64 * 192 + 64) + 192 * 192 + 3 * 192 * 512 + 2 * 192;
  const weights = 512 * 192 + 4 * layer + 192;
  expect(forwardFlops(config, 0)).toBe(2 * weights);
  expect(forwardFlops(config, 100) - forwardFlops(config, 0)).toBe(4 * 100 * 6 * 32 * 4);
  expect(trainingFlops(config, 512)).toBe(3 * 512 * forwardFlops(config, 256));
});
