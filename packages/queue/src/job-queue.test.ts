import type { GradientJob, RolloutJob } from "@gumshoe/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { JobQueue } from "./job-queue.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;
let redis: RedisLink;
let queue: JobQueue<"rollout">;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.close();
});
beforeEach(async () => {
  redis = await RedisLink.connect({ url: server.url, cluster: "c" });
  await redis.commands.flushall();
  queue = new JobQueue("rollout", { redis });
});
afterEach(async () => {
  await queue.close();
  redis.close();
});

const job = (task: number, run = "r"): RolloutJob => {
  return { run, groupKey: `0/train/${task}`, kind: "train" };
};

test("adding an open job again has no effect", async () => {
  await queue.add(job(0));
  await queue.addMany([job(0), job(1)]);
  expect((await queue.counts()).waiting).toBe(2);
});

test("after Redis has lost all data, ensure restores the jobs that should be open", async () => {
  const open = [job(0), job(1), job(2)];
  await queue.addMany(open);
  expect(await queue.ensure(open)).toEqual({ added: 0, dead: [] });
  await redis.commands.flushall();
  expect(await queue.ensure(open)).toEqual({ added: 3, dead: [] });
  expect((await queue.counts()).waiting).toBe(3);
});

test("of many jobs, ensure restores the one that Redis has lost, unless it is done", async () => {
  const open = Array.from({ length: 600 }, (_, i) => job(i));
  await queue.addMany(open);
  await redis.commands.del("gumshoe:c:queue:rollout:r/0/train/321");
  expect(await queue.ensure(open, ({ groupKey }) => groupKey !== "0/train/321")).toEqual({
    added: 0,
    dead: [],
  });
  expect(await queue.ensure(open)).toEqual({ added: 1, dead: [] });
  expect(await queue.ensure(open)).toEqual({ added: 0, dead: [] });
  expect(await queue.ensure([])).toEqual({ added: 0, dead: [] });
});

test("after Redis has restarted empty, the same connections work again", async () => {
  await queue.add(job(0));
  await server.kill();
  await server.start();
  expect(await queue.ensure([job(0)])).toEqual({ added: 1, dead: [] });
});

test("removed jobs are gone, and can be added again", async () => {
  await queue.addMany([job(0), job(1)]);
  await queue.remove([job(0)]);
  expect((await queue.counts()).waiting).toBe(1);
  await queue.add(job(0));
  expect((await queue.counts()).waiting).toBe(2);
});

test("removing a run keeps the jobs of the others", async () => {
  await queue.addMany([job(0, "a"), job(0, "b"), job(1, "a")]);
  await queue.removeRun("a");
  expect(await queue.ensure([job(0, "b")])).toEqual({ added: 0, dead: [] });
  expect((await queue.counts()).waiting).toBe(1);
});

test("jobs of two plans are different jobs", async () => {
  const gradients = new JobQueue("gradient", { redis });
  const lane = (plan: string): GradientJob => ({ run: "r", update: 0, lane: 0, plan });
  await gradients.addMany([lane("p1"), lane("p2"), lane("p1")]);
  expect((await gradients.counts()).waiting).toBe(2);
  await gradients.close();
});

test("two clusters in one Redis do not interfere", async () => {
  await queue.add(job(0));
  const other = await RedisLink.connect({ url: server.url, cluster: "d" });
  const otherQueue = new JobQueue("rollout", { redis: other });
  expect((await otherQueue.counts()).waiting).toBe(0);
  await otherQueue.close();
  other.close();
});
