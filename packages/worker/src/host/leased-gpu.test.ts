import { createLogger, systemClock } from "@gumshoe/core";
import { RedisLink } from "@gumshoe/queue";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { startRedis, type TestRedis } from "../../../../test/support/redis-server.js";
import { leaseGpu } from "./leased-gpu.js";

const GPUS = [0, 1].map((ordinal) => ({ ordinal, uuid: `GPU-${ordinal}`, name: "a GPU" }));

let server: TestRedis;
let redis: RedisLink;
let log: string[];

beforeAll(async () => {
  server = await startRedis();
  redis = await RedisLink.connect({ url: server.url, cluster: "c" });
});
afterAll(async () => {
  redis.close();
  await server.close();
});
beforeEach(async () => {
  log = [];
  await redis.commands.flushall();
});

interface Wishes {
  readonly signal?: AbortSignal;
  readonly onLost?: (error: Error) => void;
}

function lease(
  holder: string,
  { signal = new AbortController().signal, onLost = () => undefined }: Wishes = {},
) {
  const logger = createLogger("test", "silent");
  logger.warn = (message: unknown) => void log.push(String(message));
  return leaseGpu(GPUS, { redis, holder, clock: systemClock, logger, signal, onLost });
}

test("each worker has a GPU of its own; one too many waits for the first that is free", async () => {
  const leases = [await lease("a"), await lease("b")];
  expect(leases.map(({ ordinal }) => ordinal)).toEqual([0, 1]);
  const third = lease("c");
  await expect.poll(() => log).toEqual(["waiting for a free GPU: cuda:0 by a, cuda:1 by b"]);
  await leases[1]?.release();
  leases[1] = await third;
  expect(leases[1].ordinal).toBe(1);
  for (const one of leases) await one.release();
});

test("a worker that is stopped no longer waits", async () => {
  const leases = [await lease("a"), await lease("b")];
  const stop = new AbortController();
  const waiting = lease("c", { signal: stop.signal });
  await expect.poll(() => log.length).toBe(1);
  stop.abort(new Error("the worker stops"));
  await expect(waiting).rejects.toThrow("the worker stops");
  for (const one of leases) await one.release();
});

test("a worker whose lease another one has taken is told", async () => {
  const lost: string[] = [];
  await lease("a", { onLost: ({ message }) => lost.push(message) });
  await redis.commands.set("gumshoe:c:fence:gpu:GPU-0", "other", "PX", 60_000);
  await expect
    .poll(() => lost, { timeout: 4000 })
    .toEqual(["another worker has taken this one's GPU, cuda:0"]);
});
