import { hashJson } from "@gumshoe/core";
import { checkRunConfig, type GrpoConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { applyEvent, newRunState, type RunState } from "../run/run-state.js";
import { checkRecordedTasks, firstTask, groupsToReplace, numTrainGroups } from "./replacements.js";

function configOf(dynamicSampling?: object): GrpoConfig {
  const config = checkRunConfig({
    name: "dynamic",
    type: "grpo",
    model: "none",
    updatesPerIteration: 1,
    tasks: { source: { type: "generate" }, perIteration: 4, dynamicSampling },
  });
  if (config.type !== "grpo") throw new Error("not a run of type grpo");
  return config;
}

/** Adds groups of iteration 1 to a state: whether the rewards of each are equal, by index. */
function sampled(state: RunState, groups: Readonly<Record<number, boolean>>): RunState {
  for (const [index, equalRewards] of Object.entries(groups)) {
    const body = {
      type: "group-done",
      groupKey: `1/train/${index}`,
      blob: "b",
      equalRewards,
    } as const;
    const rest = { meanReward: 0, rewards: [0], tokens: 1, workerId: "w", finishes: {} };
    applyEvent(state, { number: 1, atMs: 0, body: { ...body, ...rest } });
  }
  return state;
}

function replace(state: RunState, groups: number[], iteration = 1): void {
  const tasks = groups.map((group) => `task for ${group}`);
  const body = { type: "groups-replaced", iteration, groups, tasks } as const;
  applyEvent(state, { number: 1, atMs: 0, body });
}

test("groups with equal rewards are replaced in task order, whatever the order of arrival", () => {
  const config = configOf({ maxReplacements: 8 });
  const state = sampled(newRunState(), { 3: true, 0: false, 2: false, 1: true });
  expect(groupsToReplace(config, state, 1)).toEqual([1, 3]);
  expect(groupsToReplace(configOf(), state, 1)).toEqual([]);
});

test("a replacement with equal rewards is replaced in turn, up to the limit", () => {
  const state = sampled(newRunState(), { 0: true, 1: true, 2: false, 3: true });
  replace(state, [0, 1, 3]);
  sampled(state, { 4: true, 5: false, 6: true });
  expect(numTrainGroups(configOf({}), state, 1)).toBe(7);
  expect(groupsToReplace(configOf({ maxReplacements: 5 }), state, 1)).toEqual([4, 6]);
  expect(groupsToReplace(configOf({ maxReplacements: 4 }), state, 1)).toEqual([4]);
  expect(groupsToReplace(configOf({ maxReplacements: 3 }), state, 1)).toEqual([]);
});

test("an iteration begins behind the last task that earlier ones drew", () => {
  const config = configOf({});
  const state = newRunState();
  replace(state, [0, 2], 0);
  replace(state, [5], 0);
  replace(state, [1], 2);
  expect([0, 1, 2, 3].map((iteration) => firstTask(config, state, iteration))).toEqual([
    0, 7, 11, 16,
  ]);
});

test("tasks that differ from the recorded ones are refused, in each round", () => {
  const state = newRunState();
  state.taskDigests.set(1, hashJson(["a", "b"]));
  replace(state, [0]);
  const check = (hashes: string[]) => () =>
    checkRecordedTasks(state, 1, { hashes, perIteration: 2 });
  expect(check(["a", "b", "task for 0"])).not.toThrow();
  // Further tasks are not recorded yet.
  expect(check(["a", "b", "task for 0", "more"])).not.toThrow();
  expect(check(["a", "c", "task for 0"])).toThrow("iteration 1");
  expect(check(["a", "b", "another"])).toThrow("iteration 1");
});
