import { type CurriculumConfig, parseRunConfig } from "@gumshoe/config";
import { groupKey } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { nextTier, type PastIteration, tierOf } from "./curriculum.js";
import { applyEvent, newRunState, type RunState } from "../run/run-state.js";

const RULE: CurriculumConfig = {
  tiers: ["mini", "easy", "medium"],
  promoteAt: 0.7,
  demoteAt: 0.3,
  window: 3,
};

/**
 * Feeds mean rewards to the curriculum, iteration by iteration; returns the tiers that it chooses.
 */
function climb(rewards: readonly (number | null)[], rule = RULE): string {
  const past: PastIteration[] = [];
  for (const reward of rewards) past.push({ tier: nextTier(rule, past), groupMeans: [reward] });
  return [...past.map(({ tier }) => tier), nextTier(rule, past)].join(" ");
}

test("the first tier lasts until the mean over a whole window reaches the bound", () => {
  expect(climb([])).toBe("mini");
  expect(climb([1, 1])).toBe("mini mini mini");
  expect(climb([0.7, 0.7, 0.7])).toBe("mini mini mini easy");
  expect(climb([0.1, 0.9, 0.9, 0.2, 1])).toBe("mini mini mini mini mini easy");
});

test("after a move, a whole window is collected at the new tier before the next move", () => {
  expect(climb([1, 1, 1, 1, 1])).toBe("mini mini mini easy easy easy");
  expect(climb([1, 1, 1, 1, 1, 1])).toBe("mini mini mini easy easy easy medium");
});

test("low rewards move a tier down, and rewards between the bounds do not move it", () => {
  expect(climb([1, 1, 1, 0.3, 0.3, 0.3])).toBe("mini mini mini easy easy easy mini");
  expect(climb([1, 1, 1, 0.5, 0.5, 0.5, 0.5])).toBe("mini mini mini easy easy easy easy easy");
});

test("the curriculum stays within the first and the last tier", () => {
  expect(climb([0, 0, 0, 0])).toBe("mini mini mini mini mini");
  const short = { ...RULE, window: 1, tiers: ["mini", "easy"] as ("mini" | "easy")[] };
  expect(climb([1, 1, 1], short)).toBe("mini easy easy easy");
});

test("groups have equal weight, and groups without a scored answer have none", () => {
  const past = (...groupMeans: (number | null)[]): PastIteration[] => [
    { tier: "mini", groupMeans },
  ];
  const rule = { ...RULE, window: 1 };
  expect(nextTier(rule, past(0.4, 1))).toBe("easy");
  expect(nextTier(rule, past(0.4, 0.8, null))).toBe("mini");
  expect(nextTier(rule, past(null, 0.8, null))).toBe("easy");
  expect(nextTier(rule, past(null, null))).toBe("mini");
});

const config = parseRunConfig(
  JSON.stringify({
    name: "climb",
    type: "grpo",
    model: "model",
    updatesPerIteration: 1,
    tasks: { source: { type: "generate" }, perIteration: 2, curriculum: { ...RULE, window: 1 } },
  }),
);

function planned(state: RunState, iteration: number, tier?: "mini" | "easy"): void {
  const weights = { version: iteration, digest: "" };
  const body = { type: "iteration-planned" as const, iteration, tasks: [], weights };
  applyEvent(state, { number: 1, atMs: 1, body: tier === undefined ? body : { ...body, tier } });
}

function sampled(state: RunState, iteration: number, means: readonly number[]): void {
  for (const [index, meanReward] of means.entries()) {
    const key = groupKey(iteration, "train", index);
    const more = { blob: "", rewards: [], tokens: 1, workerId: "", finishes: {} };
    const body = { type: "group-done" as const, groupKey: key, meanReward, ...more };
    applyEvent(state, { number: 1, atMs: 1, body });
  }
}

test("an iteration's own groups do not move its tier, whether or not it is recorded yet", () => {
  const state = newRunState();
  planned(state, 0, "mini");
  sampled(state, 0, [0.9, 0.7]);
  expect(tierOf(config, state, 1)).toBe("easy");
  sampled(state, 1, [0, 0]);
  expect(tierOf(config, state, 1)).toBe("easy");
  planned(state, 1, "easy");
  expect(tierOf(config, state, 1)).toBe("easy");
  expect(tierOf(config, state, 2)).toBe("mini");
});

test("a recorded tier is kept, whatever the earlier rewards would decide", () => {
  const state = newRunState();
  planned(state, 0, "mini");
  sampled(state, 0, [0, 0]);
  planned(state, 1, "easy");
  expect(tierOf(config, state, 1)).toBe("easy");
});

test("a run without a curriculum decides no tier", () => {
  if (config.type !== "grpo") throw new Error("it is one");
  const plain = { ...config, tasks: { ...config.tasks, curriculum: null } };
  expect(tierOf(plain, newRunState(), 3)).toBeNull();
});
