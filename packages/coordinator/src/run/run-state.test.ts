import { type RunEventBody } from "@gumshoe/protocol";
import { expect, test } from "vitest";

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
  const { sums, workedMs } = replay(...before);
  expect(sums.workMs).toEqual({ tasks: 10, sampling: 190, learning: 300, checkpoint: 0, other: 0 });
  expect(sums).toMatchObject({ gradingMs: 80, tokens: 14 });
  expect(workedMs).toBe(200 + 8300);
  const next = replay(...before, [58_400, { type: "iteration-done", iteration: 0, metrics: {} }]);
  expect(next.sums.workMs).toEqual({ tasks: 0, sampling: 0, learning: 0, checkpoint: 0, other: 0 });
});

test("the error is cleared when the run is resumed", () => {
  const failed = [1, { type: "run-failed", error: "disk full" }] as [number, RunEventBody];
  expect(replay(failed)).toMatchObject({ status: "failed", error: "disk full" });
  const resumed = replay(failed, [2, { type: "run-resumed", weights: weights(0) }]);
  expect(resumed).toMatchObject({ status: "running", error: "" });
});
