import type { WatchedEvent } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { compareTurn, type Turn } from "./watched-turn.js";

/** A run whose iterations end at these seconds. */
function turn(endSeconds: readonly number[], changes: Partial<Turn> = {}): Turn {
  const events = endSeconds.flatMap((second, iteration): WatchedEvent[] => [
    { number: 2 * iteration + 1, atMs: 1000 * second - 1, body: { type: "run-cancelled" } },
    {
      number: 2 * iteration + 2,
      atMs: 1000 * second,
      body: { type: "iteration-done", iteration, metrics: {} },
    },
  ]);
  return {
    events,
    watchers: 0,
    joinedAtMs: 0,
    eventsAtMs: [],
    secondsPerEvent: 0,
    processorSeconds: () => null,
    ...changes,
  };
}

test("only iterations that began after all watchers had joined are compared, each with its counterpart", () => {
  const alone = turn([10, 12, 16, 18]);
  const watched = turn([20, 30, 36, 38.5], { watchers: 200, joinedAtMs: 29_000 });
  const { seconds, watchedSeconds, slowdown } = compareTurn(alone, watched);
  // 4 s became 6 s, 2 s became 2.5 s; watchers joined in the middle of the iteration of 10 s.
  expect([seconds, watchedSeconds]).toEqual([4, 6]);
  expect(slowdown).toBeCloseTo(0.5);
});

test("the coordinator's CPU time per event is the additional time divided by all events", () => {
  const alone = turn([1, 2, 3], { processorSeconds: (atMs) => atMs / 10_000 });
  const watched = turn([11, 12, 13], {
    watchers: 100,
    joinedAtMs: 10_500,
    eventsAtMs: [11_000, 11_500, 12_500, 13_000, 14_000],
    processorSeconds: (atMs) => atMs / 5000,
  });
  // Two iterations with 0.1 s more each, and three events to each of 100 watchers.
  const { coordinatorSeconds, events } = compareTurn(alone, watched);
  expect(coordinatorSeconds).toBeCloseTo(0.2 / 300);
  expect(events).toBe(2);
});

test("unknown CPU time is reported as null", () => {
  const watched = turn([11, 12, 13], { watchers: 1, processorSeconds: (atMs) => atMs });
  expect(compareTurn(turn([1, 2, 3]), watched).coordinatorSeconds).toBeNull();
});
