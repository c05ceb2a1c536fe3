import { expect, test } from "vitest";

import { yielding, Turns } from "./turns.js";

/** Keeps the thread for a millisecond. */
function work(): void {
  const until = performance.now() + 1;
  while (performance.now() < until);
}

test("others get the thread while a long computation goes on, and it comes to the same", async () => {
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
  expect(await yielding(sum())).toBe(1225);
  clearInterval(others);
  expect(numOthers).toBeGreaterThan(2);
});

test("a turn that has only begun goes on without a pause", async () => {
  let hasPaused = false;
  setImmediate(() => (hasPaused = true));
  await new Turns().next();
  expect(hasPaused).toBe(false);
});
