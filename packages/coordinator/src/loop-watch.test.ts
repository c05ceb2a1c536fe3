import { createLogger } from "@gumshoe/core";
import { afterEach, expect, test, vi } from "vitest";

import { LoopWatch } from "./loop-watch.js";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let watch: LoopWatch | null = null;
afterEach(() => watch?.stop());

test("a loop that stood still is told, and warned of", async () => {
  const logger = createLogger("loop", "silent");
  const warn = vi.spyOn(logger, "warn");
  watch = new LoopWatch({ logger });
  watch.start();
  await sleep(50);
  const until = performance.now() + 200;
  while (performance.now() < until);
  await sleep(1200);
  const { loopDelayMaxMs, memoryBytes } = watch.status();
  expect(loopDelayMaxMs).toBeGreaterThanOrEqual(200);
  expect(memoryBytes).toBeGreaterThan(0);
  const blocked: unknown = expect.objectContaining({ blockedMs: Math.round(loopDelayMaxMs) });
  expect(warn).toHaveBeenCalledWith(blocked, "the event loop stood still");
});

test("a loop that has only begun has stood still for no time", () => {
  watch = new LoopWatch({ logger: createLogger("loop", "silent") });
  watch.start();
  expect(watch.status()).toMatchObject({ loopDelayP99Ms: 0, loopDelayMaxMs: 0 });
});
