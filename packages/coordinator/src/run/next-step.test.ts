import { parseRunConfig } from "@gumshoe/config";
import type { RunEventBody } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { nextStep } from "./next-step.js";
import { applyEvent, newRunState } from "./run-state.js";

const CONFIG = parseRunConfig(`
name: steps
type: grpo
model: none
iterations: 20
tasks: { source: { type: generate, tier: mini }, perIteration: 2 }
validation: { source: { type: generate, tier: mini, seed: 2 } }
stopWhen: { validationDrop: 0.1 }
`);

function stepAfter(...bodies: RunEventBody[]) {
  const state = newRunState();
  for (const [index, body] of bodies.entries()) {
    applyEvent(state, { number: index + 1, atMs: index, body });
  }
  return nextStep(CONFIG, state);
}

const weights = { version: 0, digest: "d" };
const planned = (iteration: number): RunEventBody => ({
  type: "iteration-planned",
  iteration,
  tasks: [],
  weights,
});
const done = (iteration: number): RunEventBody => ({
  type: "iteration-done",
  iteration,
  metrics: {},
});
const iterations = (count: number) => Array.from({ length: count }, (_, i) => done(i));
const validated = (iteration: number, reward: number, count = 4): RunEventBody => ({
  type: "validation-done",
  iteration,
  reward,
  low: 0,
  high: 1,
  count,
  randomGuess: 0,
});
const group = (key: string, unscoredReason?: string): RunEventBody => ({
  type: "group-done",
  groupKey: key,
  blob: "b",
  rewards: [],
  tokens: 1,
  workerId: "w",
  finishes: {},
  meanReward: unscoredReason === undefined ? 1 : null,
  unscoredReason,
});
const updated = (iteration: number): RunEventBody => ({
  type: "update-done",
  iteration,
  update: 0,
  weights,
  gradNorm: 1,
  lr: 1,
  logprobGapMax: 0,
  metrics: {},
});
const failed: RunEventBody = { type: "run-failed", error: "e" };
const submitted: RunEventBody = { type: "run-submitted", config: {} };

test("a run does its iterations in order, then finishes", () => {
  expect(stepAfter()).toEqual({ type: "iterate", iteration: 0 });
  const updates = Array.from({ length: 20 }, (_, i) => [updated(i), done(i)]).flat();
  expect(stepAfter(...updates.slice(0, 6))).toEqual({ type: "iterate", iteration: 3 });
  expect(stepAfter(...updates)).toEqual({ type: "finish", because: "iterations" });
});

test("a validation drop ends the run once the current iteration is done", () => {
  const fallen = [validated(0, 0.9), updated(0), done(0), planned(1), validated(1, 0.7)];
  expect(stepAfter(...fallen)).toEqual({ type: "iterate", iteration: 1 });
  const stopped = [...fallen, updated(1), done(1)];
  expect(stepAfter(...stopped)).toEqual({ type: "finish", because: "validation-drop" });
  // The validation of the final weights, before `run-done`, does not change the decision.
  const last = [...stopped, validated(2, 0.9)];
  expect(stepAfter(...last)).toEqual({ type: "finish", because: "validation-drop" });
});

test("a validation without a scored answer does not stop the run", () => {
  expect(stepAfter(validated(0, 0.9), validated(1, 0, 0), ...iterations(2)).type).toBe("iterate");
});

test("ten iterations in a row without an update end the run, however often it was resumed", () => {
  const resumed: RunEventBody = { type: "run-resumed", weights };
  const idle = iterations(9).flatMap((one) => [one, resumed]);
  expect(stepAfter(...idle).type).toBe("iterate");
  expect(stepAfter(...idle, done(9))).toMatchObject({
    type: "fail",
    problem: expect.stringContaining("10 iterations in a row had no group") as string,
  });
  const cancelled: RunEventBody = { type: "run-cancelled" };
  expect(stepAfter(...iterations(5), cancelled, submitted, ...iterations(10).slice(5)).type).toBe(
    "fail",
  );
});

test("a failed run that is submitted again gets another ten iterations", () => {
  const again = [...iterations(10), failed, submitted];
  expect(stepAfter(...again)).toEqual({ type: "iterate", iteration: 10 });
});

test("an iteration without any scored answer ends the run with the reason", () => {
  const groups = [group("0/train/0", "no checker"), group("0/train/1", "no checker")];
  const blind = { type: "fail", problem: "no answer of iteration 0 could be scored: no checker" };
  expect(stepAfter(...groups).type).toBe("iterate");
  expect(stepAfter(...groups, done(0))).toEqual(blind);
  expect(stepAfter(...groups, done(0), failed, submitted).type).toBe("iterate");
  expect(stepAfter(group("0/train/0", "no checker"), group("0/train/1"), done(0)).type).toBe(
    "iterate",
  );
});
