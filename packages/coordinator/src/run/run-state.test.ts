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

test("a run is queued, runs, and stands where its last event says", () => {
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

test("time in which nobody worked does not count", () => {
  const state = replay(
    [0, { type: "run-submitted", config: {} }],
    [1000, { type: "run-started", weights: weights(0) }],
    [4000, { type: "run-cancelled" }],
    [90_000, { type: "run-resumed", weights: weights(0) }],
    [92_000, update(0, 0)],
  );
  expect(state.workedMs).toBe(5000);
});

test("an error is forgotten when the run is taken up again", () => {
  const failed = [1, { type: "run-failed", error: "disk full" }] as [number, RunEventBody];
  expect(replay(failed)).toMatchObject({ status: "failed", error: "disk full" });
  const resumed = replay(failed, [2, { type: "run-resumed", weights: weights(0) }]);
  expect(resumed).toMatchObject({ status: "running", error: "" });
});
