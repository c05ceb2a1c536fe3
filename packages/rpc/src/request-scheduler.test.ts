import { expect, test } from "vitest";

import { RequestScheduler } from "./request-scheduler.js";

/** Longer than the slice of one event-loop iteration, in ms. */
const LONG_MS = 6;

function keepBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Counts event-loop iterations until it is stopped. */
class TurnCount {
  turns = 0;
  #timer: NodeJS.Immediate = setImmediate(() => this.#count());

  stop(): void {
    clearImmediate(this.#timer);
  }

  #count(): void {
    this.turns += 1;
    this.#timer = setImmediate(() => this.#count());
  }
}

/** Begins several calls at once; returns their order, and the event-loop iteration of each. */
async function beginAtOnce(
  calls: number,
  ms: number,
): Promise<{ order: number[]; turns: number[] }> {
  const queue = new RequestScheduler();
  const count = new TurnCount();
  const order: number[] = [];
  const turns: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < calls; i++) {
      queue.begin(() => {
        order.push(i);
        turns.push(count.turns);
        keepBusy(ms);
        if (order.length === calls) resolve();
      });
    }
  });
  count.stop();
  return { order, turns };
}

test("long calls that arrive at once begin in order, each in its own event-loop iteration", async () => {
  const { order, turns } = await beginAtOnce(8, LONG_MS);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(new Set(turns).size).toBe(8);
});

test("a single call begins at once", () => {
  let begun = 0;
  const queue = new RequestScheduler();
  queue.begin(() => begun++);
  expect(begun).toBe(1);
});

test("calls that arrive while others wait begin after them", async () => {
  const queue = new RequestScheduler();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    queue.begin(() => keepBusy(LONG_MS));
    queue.begin(() => {
      order.push("waited");
      queue.begin(() => {
        order.push("came later");
        resolve();
      });
    });
    expect(order).toEqual([]);
  });
  expect(order).toEqual(["waited", "came later"]);
});
