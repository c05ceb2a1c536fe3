import { expect, test } from "vitest";

import { checkPriority, compareTurns, isTurnOver } from "./turns.js";

const turn = (priority: number, pausedAtMs: number, submittedAtMs: number) => ({
  priority,
  pausedAtMs,
  submittedAtMs,
});

test("a higher priority comes first, then the longest wait, then the earlier submission", () => {
  const [urgent, fresh, freshToo] = [turn(2, 50, 4), turn(0, 0, 1), turn(0, 0, 3)];
  const [early, late, low] = [turn(0, 10, 2), turn(0, 20, 0), turn(-1, 0, 0)];
  const sorted = [low, late, early, freshToo, fresh, urgent].sort(compareTurns);
  expect(sorted).toEqual([urgent, fresh, freshToo, early, late, low]);
});

test("a turn is over after its share of time, if a run of the same priority waits", () => {
  const [run, next] = [turn(1, 0, 0), turn(1, 0, 1)];
  expect(isTurnOver(run, next, { turnMs: 599, shareMs: 600 })).toBe(false);
  expect(isTurnOver(run, next, { turnMs: 600, shareMs: 600 })).toBe(true);
  expect(isTurnOver(run, null, { turnMs: 600, shareMs: 600 })).toBe(false);
});

test("a higher priority does not wait for the end of a turn, a lower one waits for the run's end", () => {
  const times = { turnMs: 1, shareMs: 600 };
  expect(isTurnOver(turn(1, 0, 0), turn(2, 0, 1), times)).toBe(true);
  expect(isTurnOver(turn(1, 0, 0), turn(0, 0, 1), { ...times, turnMs: 601 })).toBe(false);
});

test.each([0.5, 101, -101, Number.NaN])("%s is no priority", (priority) => {
  expect(() => checkPriority(priority)).toThrow(
    /^priority: must be a whole number from -100 to 100/,
  );
});
