import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { firstUnsampled, iterationsInSampled, newestUsable, versionsToKeep } from "./staleness.js";

function configOf(staleness: number): RunConfig {
  const tasks = { source: { type: "generate" } };
  return checkRunConfig({
    name: "lag",
    type: "grpo",
    model: "none",
    iterations: 8,
    tasks,
    staleness,
  });
}

/** Two updates an iteration, of which the current one has made one; iteration 2 made none. */
function historyOf(sampled: number[], forkedAt: number | null = null) {
  const updateIterations = [0, 0, 1, 1, 3, 3, 4];
  return {
    digests: ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"],
    updateIterations,
    iterationsDone: 4,
    sampledIterations: new Set(sampled),
    forkedFrom: forkedAt === null ? null : { run: "other", iterations: forkedAt },
  };
}
const ONE_AHEAD = historyOf([0, 1, 2, 3, 4]);

test.each([
  [0, [0, 1, 2, 3, 4]],
  [1, [0, 0, 1, 2, 3]],
  [3, [0, 0, 0, 0, 1]],
])("with staleness %i iterations sample from the weights after %j", (staleness, after) => {
  const config = configOf(staleness);
  const of = (iteration: number) => iterationsInSampled(config, ONE_AHEAD, iteration);
  expect(after.map((_, iteration) => of(iteration))).toEqual(after);
});

test("the first iterations of a fork sample from the weights that it begins with", () => {
  const fork = historyOf([], 3);
  const of = (iteration: number) => iterationsInSampled(configOf(2), fork, iteration);
  expect([3, 4, 5, 6, 7].map(of)).toEqual([3, 3, 3, 4, 5]);
  // Shared iterations have their weights in the ledger: this is never asked for them but must not exceed them.
  expect(of(2)).toBe(2);
});

test("a run can go on from weights no newer than those that the next iteration samples from", () => {
  expect(firstUnsampled(ONE_AHEAD)).toBe(5);
  // Without staleness iteration 5 waits for weights that are not made yet.
  expect(newestUsable(configOf(0), ONE_AHEAD)).toBe(Infinity);
  expect(newestUsable(configOf(1), ONE_AHEAD)).toBe(6);
  expect(newestUsable(configOf(2), ONE_AHEAD)).toBe(4);
  expect(newestUsable(configOf(7), ONE_AHEAD)).toBe(0);
  // Iteration 6 is the next one.
  expect(newestUsable(configOf(1), historyOf([0, 1, 2, 3, 4, 5]))).toBe(Infinity);
  expect(newestUsable(configOf(2), historyOf([0, 1, 2, 3, 4, 5]))).toBe(6);
  // Everything is sampled.
  expect(newestUsable(configOf(7), historyOf([0, 1, 2, 3, 4, 5, 6, 7]))).toBe(Infinity);
});

test("reducers keep the versions that open and coming iterations sample from, and no others", () => {
  expect(versionsToKeep(configOf(0), ONE_AHEAD, 4)).toEqual([]);
  expect(versionsToKeep(configOf(1), ONE_AHEAD, 4)).toEqual([6]);
  // After 2 and after 3 iterations they are the same: iteration 2 made no update.
  expect(versionsToKeep(configOf(2), ONE_AHEAD, 4)).toEqual([4, 6]);
  expect(versionsToKeep(configOf(7), ONE_AHEAD, 4)).toEqual([0, 2, 4, 6]);
  expect(versionsToKeep(configOf(7), historyOf([0, 1, 2, 3, 4, 5, 6, 7]), 4)).toEqual([]);
  // An update that a resume makes again is of an earlier iteration.
  expect(versionsToKeep(configOf(2), ONE_AHEAD, 3)).toEqual([4]);
  expect(versionsToKeep(configOf(2), ONE_AHEAD, 1)).toEqual([]);
});
