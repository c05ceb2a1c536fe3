import { expect, test } from "vitest";

import { checkPriority, compareWaiting, isPreempted } from "./scheduling.js";

const run = (priority: number, pausedAtMs: number, submittedAtMs: number) => ({
  priority,
  pausedAtMs,
  submittedAtMs,
});

test("a higher priority comes first, then the longest wait, then the earlier submission", () => {
  const [urgent, fresh, freshToo] = [run(2, 50, 4), run(0, 0, 1), run(0, 0, 3)];
  const [early, late, low] = [run(0, 10, 2), run(0, 20, 0), run(-1, 0, 0)];
  const sorted = [low, late, early, freshToo, fresh, urgent].sort(compareWaiting);
  expect(sorted).toEqual([urgent, fresh, freshToo, early, late, low]);
});

test("a run is preempted after its time slice, if one of the same priority waits", () => {
  const [first, next] = [run(1, 0, 0), run(1, 0, 1)];
  expect(isPreempted(first, next, { heldMs: 599, sliceMs: 600 })).toBe(false);
  expect(isPreempted(first, next, { heldMs: 600, sliceMs: 600 })).toBe(true);
  expect(isPreempted(first, null, { heldMs: 600, sliceMs: 600 })).toBe(false);
});

test("a higher priority does not wait for the end of a slice, a lower one waits for the run's end", () => {
  const times = { heldMs: 1, sliceMs: 600 };
  expect(isPreempted(run(1, 0, 0), run(2, 0, 1), times)).toBe(true);
  expect(isPreempted(run(1, 0, 0), run(0, 0, 1), { ...times, heldMs: 601 })).toBe(false);
});

test.each([0.5, 101, -101, Number.NaN])("%s is no priority", (priority) => {
  expect(() => checkPriority(priority)).toThrow(
    /^priority: must be a whole number from -100 to 100/,
  );
});
