import { createLogger } from "@gumshoe/core";
import { afterEach, expect, test, vi } from "vitest";

import { LoopWatch } from "./loop-watch.js";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let watch: LoopWatch | null = null;
afterEach(() => watch?.stop());

function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a loop that stood still is told, and warned of", async () => {
  const logger = createLogger("loop", "silent");
  const warn = vi.spyOn(logger, "warn");
  watch = new LoopWatch({ logger });
  watch.start();
  await sleep(50);
  standStill(200);
  await sleep(1200);
  const { loopDelayMaxMs, loopBlockedMaxMs, memoryBytes } = watch.status();
  expect(loopDelayMaxMs).toBeGreaterThanOrEqual(200);
  expect(loopBlockedMaxMs).toBeGreaterThan(0);
  expect(loopBlockedMaxMs).toBeLessThanOrEqual(loopDelayMaxMs);
  expect(memoryBytes).toBeGreaterThan(0);
  const stopped: unknown = expect.objectContaining({ stoppedMs: Math.round(loopDelayMaxMs) });
  expect(warn).toHaveBeenCalledWith(stopped, "the event loop stood still");
});

test("a stop in which the thread waited for a core is not of its own making", async () => {
  let waitedMs = 1000;
  watch = new LoopWatch({
    logger: createLogger("loop", "silent"),
    coreWait: { readMs: () => waitedMs, close: () => undefined },
  });
  watch.start();
  await sleep(20);
  standStill(200);
  waitedMs += 150;
  await sleep(20);
  const { loopDelayMaxMs, loopBlockedMaxMs } = watch.status();
  expect(loopDelayMaxMs).toBeGreaterThanOrEqual(200);
  expect(loopBlockedMaxMs).toBeCloseTo(loopDelayMaxMs - 150);
});

test("where the system tells of no waiting, a stop counts whole", async () => {
  const coreWait = { readMs: () => 0, close: () => undefined };
  watch = new LoopWatch({ logger: createLogger("loop", "silent"), coreWait });
  watch.start();
  standStill(100);
  await sleep(20);
  const { loopDelayMaxMs, loopBlockedMaxMs } = watch.status();
  expect(loopBlockedMaxMs).toBeGreaterThanOrEqual(100);
  expect(loopBlockedMaxMs).toBe(loopDelayMaxMs);
});

test("a loop that has only begun has stood still for no time", () => {
  watch = new LoopWatch({ logger: createLogger("loop", "silent") });
  watch.start();
  expect(watch.status()).toMatchObject({ loopDelayP99Ms: 0, loopDelayMaxMs: 0 });
});
