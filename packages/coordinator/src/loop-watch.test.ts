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

test("of a stop, waits for a core and what was taken from the core are not of its own making", async () => {
  let times = { ranMs: 500, waitedMs: 1000 };
  watch = new LoopWatch({
    logger: createLogger("loop", "silent"),
    cores: { read: () => times, close: () => undefined },
  });
  watch.start();
  await sleep(20);
  standStill(200);
  times = { ranMs: 530, waitedMs: 1150 };
  await sleep(20);
  const { loopDelayMaxMs, loopBlockedMaxMs, loopBusyMaxMs } = watch.status();
  expect(loopDelayMaxMs).toBeGreaterThanOrEqual(200);
  expect(loopBlockedMaxMs).toBeCloseTo(loopDelayMaxMs - 150);
  expect(loopBusyMaxMs).toBe(30);
});

test("where the system does not tell, a stop counts whole", async () => {
  const cores = { read: () => null, close: () => undefined };
  watch = new LoopWatch({ logger: createLogger("loop", "silent"), cores });
  watch.start();
  standStill(100);
  await sleep(20);
  const { loopDelayMaxMs, loopBlockedMaxMs, loopBusyMaxMs } = watch.status();
  expect(loopBlockedMaxMs).toBeGreaterThanOrEqual(100);
  expect(loopBlockedMaxMs).toBe(loopDelayMaxMs);
  expect(loopBusyMaxMs).toBe(loopDelayMaxMs);
});

test("a loop that has only begun has stood still for no time", () => {
  watch = new LoopWatch({ logger: createLogger("loop", "silent") });
  watch.start();
  expect(watch.status()).toMatchObject({ loopDelayP99Ms: 0, loopDelayMaxMs: 0 });
});
