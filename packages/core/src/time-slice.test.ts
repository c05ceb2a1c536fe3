import { expect, test } from "vitest";

import { TimeSlice } from "./time-slice.js";

/** Blocks the thread for a millisecond. */
function work(): void {
  const until = performance.now() + 1;
  while (performance.now() < until);
}

test("a long computation yields to the event loop", async () => {
  let numOthers = 0;
  const others = setInterval(() => (numOthers += 1), 1);
  const slice = new TimeSlice();
  for (let i = 0; i < 50; i++) {
    work();
    await slice.yieldWhenOver();
  }
  clearInterval(others);
  expect(numOthers).toBeGreaterThan(2);
});

test("a slice that has just begun does not yield", async () => {
  let hasPaused = false;
  setImmediate(() => (hasPaused = true));
  await new TimeSlice().yieldWhenOver();
  expect(hasPaused).toBe(false);
});
