import type { RunEventBody } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { sumsOf } from "./iteration-sums.js";
import { applyEvent, newestWeights, newRunState } from "./run-state.js";

function replay(...bodies: [atMs: number, body: RunEventBody][]) {
  const state = newRunState();
  for (const [index, [atMs, body]] of bodies.entries()) {
    applyEvent(state, { number: index + 1, atMs, body });
  }
  return state;
}

const weights = (version: number) => ({ version, digest: `d${version}` });
const update = (version: number, iteration: number): RunEventBody => ({
  type: "update-done",
  iteration,
  update: version,
  weights: weights(version + 1),
  gradNorm: 1,
  lr: 0.1,
  logprobGapMax: null,
  metrics: {},
});

test("a run's status follows its last event, from queued to running to its end", () => {
  const state = replay(
    [0, { type: "run-submitted", config: {} }],
    [1000, { type: "run-started", weights: weights(0) }],
    [1500, update(0, 0)],
    [2000, update(1, 0)],
    [2500, { type: "iteration-done", iteration: 0, metrics: {} }],
  );
  expect(state.status).toBe("running");
  expect(state.iterationsDone).toBe(1);
  expect(newestWeights(state)).toEqual({ version: 2, digest: "d2" });
  expect(state.updateIterations).toEqual([0, 0]);
});

test("time in which the run did not work does not count", () => {
  const state = replay(
    [0, { type: "run-submitted", config: {} }],
    [1000, { type: "run-started", weights: weights(0) }],
    [4000, { type: "run-cancelled" }],
    [90_000, { type: "run-resumed", weights: weights(0) }],
    [92_000, update(0, 0)],
  );
  expect(state.workedMs).toBe(5000);
});

test("the work of an iteration is summed by kind, and excludes the time before a resume", () => {
  const group: RunEventBody = {
    type: "group-done",
    groupKey: "0/train/0",
    blob: "b",
    meanReward: 1,
    rewards: [1],
    tokens: 7,
    workerId: "w",
    finishes: {},
    gradingMs: 40,
  };
  const planned: RunEventBody = {
    type: "iteration-planned",
    iteration: 0,
    tasks: [],
    weights: weights(0),
  };
  const before = [
    [0, { type: "run-submitted", config: {} }],
    [1000, { type: "run-started", weights: weights(0) }],
    [1010, planned],
    [1200, group],
    // The coordinator was killed, and recomputes updates after its restart.
    [50_000, { type: "run-resumed", weights: weights(0) }],
    [50_100, { type: "inputs-recorded", inputs: { model: [], sources: [] } }],
    [58_000, { ...group, groupKey: "0/train/1" }],
    [58_300, update(0, 0)],
  ] as [number, RunEventBody][];
  const state = replay(...before);
  const { workedMs } = state;
  const sums = sumsOf(state);
  expect(sums.workMs).toEqual({ tasks: 10, sampling: 190, learning: 300, checkpoint: 0, other: 0 });
  expect(sums).toMatchObject({ gradingMs: 80, tokens: 14 });
  expect(workedMs).toBe(200 + 8300);
  const next = replay(...before, [58_400, { type: "iteration-done", iteration: 0, metrics: {} }]);
  expect(sumsOf(next).workMs).toEqual({
    tasks: 0,
    sampling: 0,
    learning: 0,
    checkpoint: 0,
    other: 0,
  });
});

test("the time of sampling ahead is that since the sampler's last event, apart from the time of learning", () => {
  const planned = (iteration: number): RunEventBody => ({
    type: "iteration-planned",
    iteration,
    tasks: ["t"],
    weights: weights(0),
  });
  const group = (groupKey: string): RunEventBody => ({
    type: "group-done",
    groupKey,
    blob: "b",
    meanReward: 1,
    rewards: [1],
    tokens: 5,
    workerId: "w",
    finishes: {},
  });
  const sampled = (iteration: number): RunEventBody => ({
    type: "iteration-sampled",
    iteration,
    meanReward: 1,
    rollouts: 1,
    tokens: 5,
    seconds: 1,
  });
  const before = [
    [0, { type: "run-submitted", config: {} }],
    [0, { type: "run-started", weights: weights(0) }],
    [10, planned(0)],
    [100, group("0/train/0")],
    [100, sampled(0)],
    // Iteration 0 learns while iteration 1 is sampled.
    [130, planned(1)],
    [150, update(0, 0)],
    [200, group("1/train/0")],
    [250, update(1, 0)],
  ] as [number, RunEventBody][];
  const state = replay(...before);
  expect(sumsOf(state)).toMatchObject({ aheadMs: 0, tokens: 5 });
  expect(sumsOf(state).workMs).toMatchObject({ tasks: 10, sampling: 90, learning: 150 });
  expect(sumsOf(state, 1)).toMatchObject({ aheadMs: 100, tokens: 5 });
  expect(sumsOf(state, 1).workMs).toMatchObject({ tasks: 30, sampling: 70, learning: 0 });
  const next = replay(
    ...before,
    [260, { type: "iteration-done", iteration: 0, metrics: {} }],
    // Iteration 1 is the current one now: learning waits for the rest of its groups.
    [300, group("1/train/1")],
    [300, sampled(1)],
    [340, planned(2)],
    [390, update(2, 1)],
  );
  const current = sumsOf(next);
  expect(current).toMatchObject({ aheadMs: 100, tokens: 10 });
  expect(current.workMs).toMatchObject({ tasks: 30, sampling: 110, learning: 90 });
  expect(sumsOf(next, 2)).toMatchObject({ aheadMs: 40 });
  // The times of the iterations, without what was ahead, are those of the run.
  const { tasks, sampling, learning } = current.workMs;
  expect(tasks + sampling + learning - current.aheadMs).toBe(390 - 260);
  expect([...next.open]).toEqual([1, 2]);
});

test("the error is cleared when the run is resumed", () => {
  const failed = [1, { type: "run-failed", error: "disk full" }] as [number, RunEventBody];
  expect(replay(failed)).toMatchObject({ status: "failed", error: "disk full" });
  const resumed = replay(failed, [2, { type: "run-resumed", weights: weights(0) }]);
  expect(resumed).toMatchObject({ status: "running", error: "" });
});
