import { systemClock } from "@gumshoe/core";
import type { RunEventBody, WatchedEvent } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { EventHub } from "./event-hub.js";

const event = (number: number, body: RunEventBody): WatchedEvent => ({ number, atMs: 1, body });
const WEIGHTS = { version: 0, digest: "" };
const done = (number: number) =>
  event(number, { type: "iteration-done", iteration: number, metrics: {} });
const cancelled = (number: number) => event(number, { type: "run-cancelled" });
const progress = () =>
  event(0, { type: "progress", phase: "sampling", iteration: 0, done: 1, total: 2 });

/** A fake clock whose sleeps end when the test releases them. */
function handClock() {
  const sleeps: number[] = [];
  let wake = () => undefined as void;
  const sleep = async (ms: number, signal?: AbortSignal) => {
    sleeps.push(ms);
    await new Promise<void>((resolve) => {
      wake = resolve;
      signal?.addEventListener("abort", () => resolve());
    });
  };
  return { clock: { ...systemClock, sleep }, sleeps, pass: () => wake() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function numbers(hub: EventHub, from: number, signal = new AbortController().signal) {
  const seen: number[] = [];
  const options = { signal, gatherMs: 0, clock: systemClock };
  for await (const events of hub.watch(from, options)) {
    expect(events).toHaveLength(1);
    for (const { number } of events) seen.push(number);
  }
  return seen;
}

test("a watcher gets past events from a number on, then new ones, until the run ends", async () => {
  const hub = new EventHub([done(1), done(2), done(3)]);
  const watching = numbers(hub, 2);
  hub.publish(done(4));
  hub.publish(cancelled(5));
  expect(await watching).toEqual([2, 3, 4, 5]);
  expect(await numbers(hub, 0)).toEqual([1, 2, 3, 4, 5]);
});

test("the watch of a resumed run continues past its earlier end", async () => {
  const hub = new EventHub([done(1), cancelled(2)]);
  hub.publish(event(3, { type: "run-resumed", weights: { version: 0, digest: "" } }));
  const watching = numbers(hub, 1);
  hub.publish(cancelled(4));
  expect(await watching).toEqual([1, 2, 3, 4]);
});

test("transient events reach current watchers and are not stored", async () => {
  const hub = new EventHub([]);
  const watching = numbers(hub, 0);
  await Promise.resolve();
  hub.publish(progress());
  hub.publish(cancelled(1));
  expect((await watching).filter((number) => number > 0)).toEqual([1]);
  expect(await numbers(hub, 0)).toEqual([1]);
});

test("a watch ends when its caller disconnects", async () => {
  const stop = new AbortController();
  const watching = numbers(new EventHub([done(1)]), 0, stop.signal);
  setTimeout(() => stop.abort(), 10);
  expect(await watching).toEqual([1]);
});

test("a watch from beyond the last event waits for it, or ends if the run has ended", async () => {
  const hub = new EventHub([done(1)]);
  const watching = numbers(hub, 9);
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (let number = 2; number <= 9; number++) hub.publish(done(number));
  hub.publish(cancelled(10));
  expect(await watching).toEqual([9, 10]);
  expect(await numbers(hub, 11)).toEqual([]);
  expect(await numbers(hub, 99)).toEqual([]);
});

test("a watcher with a gather time gets events in batches, and the last one at once", async () => {
  const hub = new EventHub(Array.from({ length: 70 }, (_, i) => done(i + 1)));
  const { clock, sleeps, pass } = handClock();
  const options = { signal: new AbortController().signal, gatherMs: 100, clock };
  const gathered = hub.watch(1, options);
  const next = async () => {
    const result = await gathered.next();
    return result.done === true ? null : result.value.map(({ number }) => number);
  };
  expect((await next())?.length).toBe(64);
  expect(await next()).toEqual([65, 66, 67, 68, 69, 70]);
  let pending = next();
  await settled();
  hub.publish(done(71));
  await settled();
  hub.publish(progress());
  hub.publish(done(72));
  await settled();
  pass();
  expect(await pending).toEqual([71, 72]);
  expect(await next()).toEqual([0]);
  pending = next();
  await settled();
  hub.publish(done(73));
  await settled();
  // The test never advances the clock from here on.
  hub.publish(cancelled(74));
  expect(await pending).toEqual([73, 74]);
  expect(await next()).toBeNull();
  expect(sleeps).toEqual([100, 100]);
});

test("watchers with the same gather time wake together, and get the same events", async () => {
  const hub = new EventHub([]);
  const { clock, sleeps, pass } = handClock();
  const options = { signal: new AbortController().signal, gatherMs: 60, clock };
  const watchers = [1, 2, 3].map(() => hub.watch(0, options));
  const next = () => Promise.all(watchers.map((watcher) => watcher.next()));
  for (const number of [1, 3]) {
    const pending = next();
    await settled();
    hub.publish(done(number));
    await settled();
    hub.publish(done(number + 1));
    pass();
    const value = [done(number), done(number + 1)];
    expect(await pending).toEqual(watchers.map(() => ({ done: false, value })));
  }
  expect(sleeps).toEqual([60, 60]);
});

test("a result that was recorded after the end does not hide it; a new submission does", async () => {
  const late = new EventHub([done(1), cancelled(2), done(3)]);
  expect(await numbers(late, 1)).toEqual([1, 2, 3]);
  const stop = new AbortController();
  const hub = new EventHub([cancelled(1), event(2, { type: "run-resumed", weights: WEIGHTS })]);
  const seen = numbers(hub, 1, stop.signal);
  await settled();
  hub.publish(cancelled(3));
  expect(await seen).toEqual([1, 2, 3]);
});
