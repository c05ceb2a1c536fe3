import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { isRefreshDue, referenceOf } from "./reference.js";

function configOf(changes: Record<string, unknown>): RunConfig {
  const tasks = { source: { type: "generate" } };
  return checkRunConfig({ name: "kl", type: "grpo", model: "none", tasks, ...changes });
}

const KL = { loss: { klCoefficient: 0.1 } };
// Two updates in iteration 0, none in 1 and 2, one in 3.
const STATE = { digests: ["d0", "d1", "d2", "d3"], updateIterations: [0, 0, 3] };

test("a loss without a divergence has no reference", () => {
  expect(referenceOf(configOf({}), STATE, 3)).toBeNull();
  expect(isRefreshDue(configOf({}), 2)).toBe(false);
});

test("without a refresh the reference is the start of the run", () => {
  const start = { iteration: 0, weights: { version: 0, digest: "d0" } };
  expect([0, 1, 999].map((iteration) => referenceOf(configOf(KL), STATE, iteration))).toEqual([
    start,
    start,
    start,
  ]);
  expect(isRefreshDue(configOf(KL), 10)).toBe(false);
});

test("a refreshed reference has the weights before its first iteration", () => {
  const config = configOf({ ...KL, reference: { refreshEvery: 2 } });
  const versions = [0, 1, 2, 3, 4].map((iteration) => referenceOf(config, STATE, iteration));
  const at = (iteration: number, version: number) => ({
    iteration,
    weights: { version, digest: `d${version}` },
  });
  expect(versions).toEqual([at(0, 0), at(0, 0), at(2, 2), at(2, 2), at(4, 3)]);
  expect([1, 2, 3, 4].map((done) => isRefreshDue(config, done))).toEqual([
    false,
    true,
    false,
    true,
  ]);
});
