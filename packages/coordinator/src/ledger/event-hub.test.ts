import { type RunEventBody, type WatchedEvent } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { EventHub } from "./event-hub.js";

const event = (number: number, body: RunEventBody): WatchedEvent => ({ number, atMs: 1, body });
const done = (number: number) =>
  event(number, { type: "iteration-done", iteration: number, metrics: {} });
const cancelled = (number: number) => event(number, { type: "run-cancelled" });
const progress = () =>
  event(0, { type: "progress", phase: "sampling", iteration: 0, done: 1, total: 2 });

async function numbers(hub: EventHub, from: number, signal = new AbortController().signal) {
  const seen: number[] = [];
  for await (const { number } of hub.watch(from, signal)) seen.push(number);
  return seen;
}

test("a watcher gets past events from a number on, then new ones, to the end of the run", async () => {
  const hub = new EventHub([done(1), done(2), done(3)]);
  const watching = numbers(hub, 2);
  hub.publish(done(4));
  hub.publish(cancelled(5));
  expect(await watching).toEqual([2, 3, 4, 5]);
  expect(await numbers(hub, 0)).toEqual([1, 2, 3, 4, 5]);
});

test("a run that is taken up again goes on after its end", async () => {
  const hub = new EventHub([done(1), cancelled(2)]);
  hub.publish(event(3, { type: "run-resumed", weights: { version: 0, digest: "" } }));
  const watching = numbers(hub, 1);
  hub.publish(cancelled(4));
  expect(await watching).toEqual([1, 2, 3, 4]);
});

test("transient events are sent to those who watch, and kept for nobody", async () => {
  const hub = new EventHub([]);
  const watching = numbers(hub, 0);
  await Promise.resolve();
  hub.publish(progress());
  hub.publish(cancelled(1));
  expect((await watching).filter((number) => number > 0)).toEqual([1]);
  expect(await numbers(hub, 0)).toEqual([1]);
});

test("a watch ends when its caller goes away", async () => {
  const stop = new AbortController();
  const watching = numbers(new EventHub([done(1)]), 0, stop.signal);
  setTimeout(() => stop.abort(), 10);
  expect(await watching).toEqual([1]);
});

test("a watch from beyond the last event waits for it, or ends where the run has ended", async () => {
  const hub = new EventHub([done(1)]);
  const watching = numbers(hub, 9);
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (let number = 2; number <= 9; number++) hub.publish(done(number));
  hub.publish(cancelled(10));
  expect(await watching).toEqual([9, 10]);
  expect(await numbers(hub, 11)).toEqual([]);
  expect(await numbers(hub, 99)).toEqual([]);
});
