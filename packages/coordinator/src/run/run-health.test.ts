import { checkRunConfig } from "@gumshoe/config";
import { type RunEventBody, RunEventBody as Schema } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { newIterationSums } from "./iteration-sums.js";
import { addToHealth, newRunHealth, type RunHealth } from "./run-health.js";

const CONFIG = checkRunConfig({
  type: "grpo",
  name: "run",
  model: "models/rookie",
  tasks: { source: { type: "generate", tier: "mini", seed: 1 } },
  optimizer: { maxGradNorm: 1 },
});
const RUN = { config: CONFIG, iteration: 0, sums: newIterationSums() };

function update(number: number, gradNorm: number, policyKl: number): RunEventBody {
  return {
    type: "update-done",
    iteration: Math.floor(number / 2),
    update: number,
    weights: { version: number + 1, digest: "" },
    gradNorm,
    lr: 1e-5,
    logprobGapMax: null,
    metrics: { policyKl },
  };
}

function validation(iteration: number, reward: number, count = 200): RunEventBody {
  const halfWidth = 0.04;
  const [low, high] = [reward - halfWidth, reward + halfWidth];
  return { type: "validation-done", iteration, reward, low, high, count, randomGuess: 0 };
}

/** Applies events, and the warnings that are due, as the ledger would. */
function healthAfter(...events: RunEventBody[]): RunHealth {
  const health = newRunHealth();
  for (const event of events) {
    addToHealth(health, event, RUN);
    for (const warning of health.due.splice(0)) addToHealth(health, Schema.parse(warning), RUN);
  }
  return health;
}

const codes = (health: RunHealth) => health.given.map(({ code, iteration }) => [code, iteration]);

test("a run that learns gives no warning", () => {
  const norms = [46, 45, 44, 30, 4, 3, 12, 22, 5, 48];
  const updates = norms.map((norm, i) => update(i, norm, 0.05));
  const validations = [validation(0, 0.67), validation(10, 0.64), validation(20, 0.83)];
  expect(codes(healthAfter(...updates, ...validations))).toEqual([]);
  // Norms far below the clip are harmless, however much they vary.
  expect(codes(healthAfter(update(0, 0.001, 0), update(1, 2, 0)))).toEqual([]);
});

test("an exploding gradient norm gives a warning with its update, in the second update too", () => {
  const health = healthAfter(update(0, 6.5, 0), update(1, 1060, 0));
  expect(codes(health)).toEqual([["gradient-norm", 0]]);
  expect(health.given[0]?.message).toContain("update 1 has a gradient norm of 1.06e+3, 163 times");
  expect(health.given[0]?.message).toContain("lower optimizer.lr");
});

test("a policy that moves too far gives one warning, and another one after it has recovered", () => {
  const kls = [0.01, 4.1, 3.9, 2, 0.01, 0.5];
  const health = healthAfter(...kls.map((kl, i) => update(i, 5, kl)));
  expect(codes(health)).toEqual([
    ["policy-kl", 0],
    ["policy-kl", 2],
  ]);
  expect(health.given[0]?.message).toContain("policy KL of 4.10 nats a token");
});

test("a validation below the initial one gives a warning with both values", () => {
  const health = healthAfter(
    validation(0, 0.955),
    validation(10, 0.49),
    validation(20, 0.5),
    validation(30, 0.94),
    validation(40, 0.6),
  );
  expect(codes(health)).toEqual([
    ["validation-below-start", 10],
    ["validation-below-start", 40],
  ]);
  expect(health.given[0]?.message).toContain(
    "validation fell from 0.955 to 0.490 after 10 iterations: the start was better",
  );
  expect(codes(healthAfter(validation(0, 0.955), validation(10, 0, 0)))).toEqual([]);
});

test("a warning that did not reach the ledger is due again when the ledger is read", () => {
  const events = [validation(0, 0.955), validation(10, 0.49)];
  const read = newRunHealth();
  for (const event of events) addToHealth(read, event, RUN);
  expect(read.due.map(({ code }) => code)).toEqual(["validation-below-start"]);
  addToHealth(read, read.due[0]!, RUN);
  expect([read.due, codes(read)]).toEqual([[], [["validation-below-start", 10]]]);
});
