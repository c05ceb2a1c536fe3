import { expect, test } from "vitest";

import { runInSlices, TimeSlice } from "./time-slice.js";

/** Keeps the thread for a millisecond. */
function work(): void {
  const until = performance.now() + 1;
  while (performance.now() < until);
}

test("a long computation yields to the event loop, and its result is the same", async () => {
  let numOthers = 0;
  const others = setInterval(() => (numOthers += 1), 1);
  function* sum(): Generator<undefined, number> {
    let total = 0;
    for (let i = 0; i < 50; i++) {
      work();
      total += i;
      yield;
    }
    return total;
  }
  expect(await runInSlices(sum())).toBe(1225);
  clearInterval(others);
  expect(numOthers).toBeGreaterThan(2);
});

test("a slice that has only started does not yield", async () => {
  let hasPaused = false;
  setImmediate(() => (hasPaused = true));
  await new TimeSlice().yieldWhenOver();
  expect(hasPaused).toBe(false);
});
