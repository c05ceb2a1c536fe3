import { checkRunConfig } from "@gumshoe/config";
import type { RunEventBody } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { sumsOf } from "./iteration-sums.js";
import { addToHealth } from "./run-health.js";
import { applyEvent, newRunState } from "./run-state.js";

const MODULE = { type: "module", module: "/tasks/slow.mjs" };
const BUILT_IN = { type: "generate", tier: "mini", seed: 1 };
const weights = { version: 0, digest: "" };
const START: [number, RunEventBody][] = [[0, { type: "run-started", weights }]];

function planned(iteration: number): RunEventBody {
  return { type: "iteration-planned", iteration, tasks: ["a", "b", "c", "d"], weights };
}

function group(groupKey: string, gradingMs: number, workerId = "w1"): RunEventBody {
  return {
    type: "group-done",
    groupKey,
    blob: "b",
    meanReward: 0.5,
    rewards: [0, 1],
    tokens: 8,
    workerId,
    finishes: { stop: 2 },
    gradingMs,
  };
}

function sampled(iteration: number): RunEventBody {
  return {
    type: "iteration-sampled",
    iteration,
    meanReward: 0,
    rollouts: 4,
    tokens: 8,
    seconds: 1,
  };
}

function update(iteration: number): RunEventBody {
  const figures = { gradNorm: 1, lr: 1e-5, logprobGapMax: 0, metrics: {} };
  return { type: "update-done", iteration, update: iteration, weights, ...figures };
}

/** Applies events, each after this many ms, and returns the warnings with the event that gave them. */
function warnings(source: object, events: readonly (readonly [number, RunEventBody])[]) {
  const config = checkRunConfig({ type: "grpo", name: "run", model: "m", tasks: { source } });
  const state = newRunState();
  const given: string[] = [];
  let atMs = 0;
  for (const [number, [afterMs, body]] of events.entries()) {
    atMs += afterMs;
    applyEvent(state, { number, atMs, body });
    addToHealth(state.health, body, {
      config,
      iteration: state.iterationsDone,
      sums: sumsOf(state),
    });
    for (const { code, message } of state.health.due.splice(0)) {
      given.push(`${body.type} ${code}: ${message}`);
    }
  }
  return given;
}

function iteration(number: number, gradingMs: number): [number, RunEventBody][] {
  return [
    [10, planned(number)],
    [3000, group(`${number}/train/0`, gradingMs)],
    [1000, group(`${number}/train/1`, gradingMs)],
    [0, sampled(number)],
    [500, update(number)],
    [0, { type: "iteration-done", iteration: number, metrics: {} }],
  ];
}

test("a grader that takes most of the time of sampling is named once, with its seconds a reply", () => {
  expect(warnings(MODULE, [...START, ...iteration(0, 1900), ...iteration(1, 1900)])).toEqual([
    "iteration-sampled slow-grader: grading takes 95 % of the time of sampling, 0.95 s a reply (4 " +
      "replies): make it faster, or let it return a promise so that it waits for a group's replies " +
      "at once, or start more inference workers; the grader is grade() of /tasks/slow.mjs",
  ]);
});

test("a grader is named again after it was fast, and not while it takes about half of the time", () => {
  const slow = warnings(MODULE, [
    ...START,
    ...iteration(0, 1200),
    ...iteration(1, 800),
    ...iteration(2, 1200),
    ...iteration(3, 100),
    ...iteration(4, 1200),
  ]);
  expect(slow).toHaveLength(2);
});

test("a grader that takes long is named before the iteration's end; two workers count as two", () => {
  const first = [...START, [10, planned(0)], [12_000, group("0/train/0", 11_000)]] as const;
  const [said = "", ...rest] = warnings(BUILT_IN, first);
  expect(said).toContain(
    "group-done slow-grader: grading takes 92 % of the time of sampling, 5.5 s a",
  );
  expect(said).toContain("the grader is fixed (built in)");
  expect(rest).toEqual([]);
  const served = { type: "http", url: "http://127.0.0.1:8900" };
  expect(warnings(served, first)[0]).toContain("the grader is /grade of http://127.0.0.1:8900");
  const asked = { type: "file", file: "/tasks/a.csv", grader: { type: "number" } };
  expect(warnings(asked, first)[0]).toContain("the grader is number (built in)");
  const two = [...START, [10, planned(0)], [12_000, group("0/train/0", 5500)]] as const;
  expect(warnings(MODULE, [...two, [0, group("0/train/1", 5500, "w2")]])).toEqual([]);
});

test("grading of under a second, however large its share, is no warning", () => {
  const tiny = [
    ...START,
    [1, planned(0)],
    [900, group("0/train/0", 900)],
    [0, sampled(0)],
  ] as const;
  expect(warnings(MODULE, tiny)).toEqual([]);
});

test("a module whose tasks take most of an iteration is named, with its seconds a task", () => {
  const events = (ms: number): [number, RunEventBody][] => [
    [ms, planned(0)],
    [2000, group("0/train/0", 1)],
    [0, sampled(0)],
    [500, update(0)],
  ];
  expect(warnings(MODULE, [...START, ...events(4000)])).toEqual([
    "update-done slow-tasks: making the 4 tasks of an iteration takes 4.0 s, 1.0 s a task, while all " +
      "workers wait: make task() of /tasks/slow.mjs faster, or read what it needs in createEnvironment()",
  ]);
  expect(warnings(MODULE, [...START, ...events(2000)])).toEqual([]);
  const [soon = ""] = warnings(BUILT_IN, [...START, ...events(10_000)]);
  expect(soon).toMatch(/^iteration-planned slow-tasks: .*10\.0 s, 2\.5 s a task/);
  expect(soon).toContain("gumshoe puzzle generate");
});
