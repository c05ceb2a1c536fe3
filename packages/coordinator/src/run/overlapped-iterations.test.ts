import { setTimeout as sleep } from "node:timers/promises";

import { checkRunConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import type { NextStep } from "./next-step.js";
import { type IterationHalves, overlapIterations } from "./overlapped-iterations.js";
import { newRunState, type RunState } from "./run-state.js";

const CONFIG = checkRunConfig({
  name: "beside",
  type: "grpo",
  model: "none",
  iterations: 6,
  staleness: 2,
  tasks: { source: { type: "generate" } },
});

/** Halves that take some time, and note when they begin and end. */
function halvesOf(state: RunState, ms: { sample: number; learn: number }) {
  const notes: string[] = [];
  const half =
    (name: "sample" | "learn", end: (iteration: number) => void) =>
    async (iteration: number, signal: AbortSignal): Promise<void> => {
      notes.push(`${name} ${iteration}`);
      await sleep(ms[name], undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
      end(iteration);
      notes.push(`${name} ${iteration} done`);
    };
  const iterations: IterationHalves = {
    sample: half("sample", (iteration) => state.sampledIterations.add(iteration)),
    learn: half("learn", (iteration) => (state.iterationsDone = iteration + 1)),
  };
  return { notes, iterations };
}

const untilIteration = (state: RunState, end: number) => async (): Promise<NextStep> =>
  state.iterationsDone < end
    ? { type: "iterate", iteration: state.iterationsDone }
    : { type: "finish", because: "iterations" };

function run(
  state: RunState,
  iterations: IterationHalves,
  { end = CONFIG.iterations, signal = new AbortController().signal } = {},
) {
  const record = { config: CONFIG, state };
  return overlapIterations({ record, iterations, nextStep: untilIteration(state, end), signal });
}

test.each([
  { what: "sampling is slower", ms: { sample: 8, learn: 1 } },
  { what: "learning is slower", ms: { sample: 1, learn: 8 } },
])("each half is in order, and none begins before what it needs, where $what", async ({ ms }) => {
  const state = newRunState();
  const { notes, iterations } = halvesOf(state, ms);
  await run(state, iterations);
  const at = (note: string) => notes.indexOf(note);
  for (let i = 0; i < CONFIG.iterations; i++) {
    expect(at(`learn ${i}`)).toBeGreaterThan(at(`sample ${i} done`));
    if (i > 0) expect(at(`sample ${i}`)).toBeGreaterThan(at(`sample ${i - 1} done`));
    if (i > 0) expect(at(`learn ${i}`)).toBeGreaterThan(at(`learn ${i - 1} done`));
    if (i > 2) expect(at(`sample ${i}`)).toBeGreaterThan(at(`learn ${i - 3} done`));
  }
  expect(state.iterationsDone).toBe(6);
  // They do overlap.
  const isAhead = at("sample 1") < at("learn 0 done");
  expect(isAhead).toBe(true);
});

test("a run that ends early drops what is sampled ahead, and returns when that has stopped", async () => {
  const state = newRunState();
  const { notes, iterations } = halvesOf(state, { sample: 5, learn: 5 });
  await run(state, iterations, { end: 2 });
  expect(state.iterationsDone).toBe(2);
  const begun = notes.filter((note) => /^sample \d$/.test(note)).length;
  expect(begun).toBeGreaterThan(2);
  await sleep(20);
  expect(notes.filter((note) => /^sample \d$/.test(note))).toHaveLength(begun);
});

test.each(["sample", "learn"] as const)(
  "a failure to %s ends the other half, too, and both before it is thrown",
  async (name) => {
    const state = newRunState();
    const { notes, iterations } = halvesOf(state, { sample: 3, learn: 3 });
    const failing = {
      ...iterations,
      [name]: async (iteration: number, signal: AbortSignal) => {
        if (iteration === 1) throw new Error(`cannot ${name}`);
        await iterations[name](iteration, signal);
      },
    };
    await expect(run(state, failing)).rejects.toThrow(`cannot ${name}`);
    const { length } = notes;
    await sleep(20);
    expect(notes).toHaveLength(length);
  },
);

test("an abort ends both halves", async () => {
  const state = newRunState();
  const { iterations } = halvesOf(state, { sample: 3, learn: 1000 });
  const cancel = new AbortController();
  const ended = run(state, iterations, { signal: cancel.signal });
  await sleep(10);
  cancel.abort(new Error("cancelled"));
  await expect(ended).rejects.toThrow("cancelled");
});
