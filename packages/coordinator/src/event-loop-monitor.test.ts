import { setTimeout as sleep } from "node:timers/promises";

import { createLogger } from "@gumshoe/core";
import { afterEach, expect, test } from "vitest";

import { EventLoopMonitor } from "./event-loop-monitor.js";

const monitors: EventLoopMonitor[] = [];
afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stop();
});

function start(lines: string[] = []): EventLoopMonitor {
  const logger = createLogger("monitor", "warn", { write: (line) => void lines.push(line) });
  const monitor = new EventLoopMonitor(logger);
  monitors.push(monitor);
  monitor.start();
  return monitor;
}

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a delay of the event loop is in the status and in the log", async () => {
  const lines: string[] = [];
  const monitor = start(lines);
  await sleep(50);
  const before = monitor.status().cpuSeconds;
  block(200);
  await sleep(1200);
  const { eventLoopDelayMaxMs, eventLoopDelayP99Ms, memoryBytes, cpuSeconds } = monitor.status();
  // The timer may have been due anywhere in its 10 ms interval.
  expect(eventLoopDelayMaxMs).toBeGreaterThanOrEqual(190);
  expect(eventLoopDelayP99Ms).toBeLessThanOrEqual(eventLoopDelayMaxMs);
  expect(memoryBytes).toBeGreaterThan(0);
  expect(cpuSeconds).toBeGreaterThan(before);
  const warnings = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const delays = warnings.map(({ eventLoopDelayMs }) => Number(eventLoopDelayMs));
  expect(warnings[0]?.["msg"]).toBe("the event loop was delayed");
  expect(Math.max(...delays)).toBeGreaterThanOrEqual(190);
});

test("an event loop that has just started reports no delay", () => {
  const status = start().status();
  expect(status).toMatchObject({ eventLoopDelayP99Ms: 0, eventLoopDelayMaxMs: 0 });
});
