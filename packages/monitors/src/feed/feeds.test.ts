import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger, systemClock } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Monitor, Outcome, Point } from "../monitor.js";
import { Feeds } from "./feeds.js";

let folder: string;
let logged: string;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-feeds-"));
  [logged, nowMs] = ["", 0];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

class FakeRun {
  readonly name = "r";
  readonly config = {};
  readonly submittedAtMs = 0;
  outcome: Outcome | null = null;
  isRemoved = false;
  count = 0;

  get folder(): string {
    return folder;
  }

  points(from: number, limit: number): Point[] {
    const steps = Array.from({ length: this.count }, (_, step) => step).slice(from, from + limit);
    return steps.map((step) => ({ step, atMs: step, metrics: { reward: step / 10 } }));
  }

  work(): Promise<null> {
    return Promise.resolve(null);
  }
}

/** Keeps the steps that it gets; `isAway` fails every call, `hangs` never answers. */
class FakeMonitor implements Monitor {
  readonly name = "fake";
  readonly steps: number[] = [];
  readonly ids = new Set<string>();
  isAway = false;
  hangs = false;
  opened = 0;
  ended: Outcome | null = null;

  async open(_run: unknown, { id, next }: { id: string; next: number }) {
    await this.#reach();
    this.ids.add(id);
    this.opened += 1;
    return {
      next,
      send: async (points: readonly Point[]) => {
        await this.#reach();
        this.steps.push(...points.map(({ step }) => step));
      },
      finish: async (outcome: Outcome) => {
        await this.#reach();
        this.ended = outcome;
      },
      close: () => undefined,
    };
  }

  #reach(): Promise<void> {
    if (this.hangs) return new Promise(() => undefined);
    return this.isAway ? Promise.reject(new Error("connection refused")) : Promise.resolve();
  }
}

const feedsOf = (run: FakeRun, monitor: Monitor) =>
  new Feeds({
    monitors: [monitor],
    runs: () => (run.isRemoved ? [] : [run]),
    clock: { ...systemClock, monotonicMs: () => nowMs },
    logger: createLogger("test", "info", { write: (line) => void (logged += line) }),
  });
const steps = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, step) => from + step);
const sent = (monitor: FakeMonitor, count: number) =>
  vi.waitFor(() => expect(monitor.steps).toEqual(steps(0, count)));

test("every point is sent once and in order, and then the end", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  run.count = 120;
  feeds.check();
  await sent(monitor, 120);
  expect(monitor.ended).toBeNull();
  Object.assign(run, { count: 123, outcome: "done" });
  await vi.waitFor(() => {
    feeds.check();
    expect(monitor.ended).toBe("done");
  });
  await sent(monitor, 123);
  expect(monitor.opened).toBe(1);
});

test("a monitor that is away is asked ever less often, told of once, and gets what it missed", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  monitor.isAway = true;
  run.count = 3;
  feeds.check();
  await vi.waitFor(() => expect(logged).toContain("monitor fake: connection refused"));
  monitor.isAway = false;
  feeds.check();
  expect(monitor.opened).toBe(0);
  run.count = 9;
  nowMs += 2000;
  feeds.check();
  await sent(monitor, 9);
  await vi.waitFor(() => expect(logged).toContain("the monitor is back"));
  expect(logged.match(/connection refused/g)).toHaveLength(1);
});

test("after a crash of the coordinator the next one goes on, under the same id", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  run.count = 4;
  feedsOf(run, monitor).check();
  await sent(monitor, 4);
  await vi.waitFor(() => expect(existsSync(join(folder, "monitors/fake.json"))).toBe(true));
  run.count = 7;
  await vi.waitFor(async () => {
    feedsOf(run, monitor).check();
    await sent(monitor, 7);
  });
  expect(monitor.ids.size).toBe(1);
});

test("a run that is resumed after its end goes on", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  run.count = 2;
  feeds.check();
  await sent(monitor, 2);
  run.outcome = "cancelled";
  await vi.waitFor(() => {
    feeds.check();
    expect(monitor.ended).toBe("cancelled");
  });
  Object.assign(run, { outcome: null, count: 5 });
  await vi.waitFor(async () => {
    feeds.check();
    await sent(monitor, 5);
  });
  expect(monitor.opened).toBe(2);
});

test("a run that ends between two checks is sent", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  feeds.check();
  Object.assign(run, { count: 3, outcome: "done" });
  await vi.waitFor(() => {
    feeds.check();
    expect(monitor.ended).toBe("done");
  });
  expect(monitor.steps).toEqual([0, 1, 2]);
});

test("a run that had ended before the monitor was named is not sent", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  Object.assign(run, { count: 3, outcome: "done" });
  const feeds = feedsOf(run, monitor);
  feeds.start();
  feeds.check();
  await feeds.stop();
  expect(monitor.opened).toBe(0);
});

test("a folder of a run that was removed is not made again", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  run.count = 1;
  feeds.check();
  await sent(monitor, 1);
  rmSync(folder, { recursive: true });
  run.count = 2;
  feeds.check();
  await vi.waitFor(() => expect(logged).toContain("monitor fake"));
  run.isRemoved = true;
  nowMs += 100_000;
  feeds.check();
  expect(existsSync(folder)).toBe(false);
  mkdirSync(folder);
});

test("a stop sends the last points, and waits two seconds at most for a monitor that hangs", async () => {
  const [run, monitor] = [new FakeRun(), new FakeMonitor()];
  const feeds = feedsOf(run, monitor);
  feeds.start();
  feeds.check();
  run.count = 2;
  await feeds.stop();
  expect(monitor.steps).toEqual([0, 1]);
  const hanging = feedsOf(run, monitor);
  hanging.start();
  Object.assign(monitor, { hangs: true });
  run.count = 3;
  hanging.check();
  const beganAt = performance.now();
  await hanging.stop();
  expect(performance.now() - beganAt).toBeLessThan(4000);
});
