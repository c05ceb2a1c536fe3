/** Producers and consumers during the loss and return of Redis. */
import { systemClock } from "@gumshoe/core";
import type { RolloutJob } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { Fence } from "./fence.js";
import { JobQueue } from "./job-queue.js";
import { JobWorker } from "./job-worker.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;
let redis: RedisLink;
let queue: JobQueue<"rollout">;

beforeEach(async () => {
  server = await startRedis();
  redis = await RedisLink.connect({ url: server.url, cluster: "c", commandTimeoutMs: 1000 });
  queue = new JobQueue("rollout", { redis });
});
afterEach(async () => {
  redis.close();
  await server.close();
});

const job = (task: number): RolloutJob => {
  return { run: "r", groupKey: `0/train/${task}`, kind: "train" };
};

test("a worker continues when Redis comes back empty and is refilled", async () => {
  const taken: string[] = [];
  const handler = async ({ groupKey }: RolloutJob) => void taken.push(groupKey);
  const worker = new JobWorker("rollout", { redis, handler });
  await queue.add(job(0));
  await vi.waitFor(() => expect(taken).toEqual(["0/train/0"]), 5000);
  await server.kill();
  await systemClock.sleep(1000);
  await server.start();
  const startedAt = performance.now();
  await queue.ensure([job(1)]);
  await vi.waitFor(() => expect(taken).toEqual(["0/train/0", "0/train/1"]), 8000);
  expect(performance.now() - startedAt).toBeLessThan(6000);
  await worker.close(0);
});

test("an active job survives a short outage of Redis with loss of its data", async () => {
  let ended = 0;
  const worker = new JobWorker("rollout", {
    redis,
    handler: async (_job, { signal }) => {
      await systemClock.sleep(1500, signal);
      ended++;
    },
  });
  await queue.add(job(0));
  await vi.waitFor(() => expect(worker.activeJobs).toHaveLength(1), 5000);
  await server.kill();
  await systemClock.sleep(2000);
  expect(ended).toBe(1);
  await server.start();
  await queue.ensure([job(1)]);
  await vi.waitFor(() => expect(ended).toBe(2), 12_000);
  await worker.close(0);
});

test("without Redis a producer's call fails in time, and a worker stops within its budget", async () => {
  const worker = new JobWorker("rollout", { redis, handler: async () => undefined });
  await worker.ready();
  await server.kill();
  const killedAt = performance.now();
  await expect(queue.add(job(0))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await worker.close(100);
  expect(performance.now() - killedAt).toBeLessThan(5000);
});

test("a fence is not fresh during a long outage of Redis, and fresh again afterwards", async () => {
  let losses = 0;
  const onLost = () => losses++;
  const fence = await Fence.acquire({ redis, name: "coordinator", holder: "a", onLost });
  await server.kill();
  await expect.poll(() => fence.isFresh, { timeout: 6000 }).toBe(false);
  await server.start();
  await expect.poll(() => fence.isFresh, { timeout: 8000 }).toBe(true);
  expect(losses).toBe(0);
  await fence.release();
});
