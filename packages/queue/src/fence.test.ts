import { ownIdentity, type ProcessIdentity } from "@gumshoe/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { Fence } from "./fence.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;
let redis: RedisLink;

beforeAll(async () => {
  server = await startRedis();
  redis = await RedisLink.connect({ url: server.url, cluster: "c" });
});
afterAll(async () => {
  redis.close();
  await server.close();
});
beforeEach(async () => {
  await redis.commands.flushall();
});

function acquire(holder: string, options: { waitMs?: number; onLost?: () => void } = {}) {
  return Fence.acquire({ redis, name: "coordinator", holder, onLost: () => undefined, ...options });
}

test("a second process is rejected with the name of the holder", async () => {
  const first = await acquire("coordinator on a, pid 1");
  await expect(acquire("b", { waitMs: 100 })).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: "coordinator is held by coordinator on a, pid 1",
  });
  await first.release();
});

test("a released fence can be acquired at once", async () => {
  const first = await acquire("a");
  await first.release();
  const second = await acquire("b", { waitMs: 0 });
  expect(second.isFresh).toBe(true);
  expect(first.isFresh).toBe(false);
  await second.release();
});

test("a fence that is not renewed passes to a waiting process", async () => {
  const value = JSON.stringify({ holder: "dead", id: "x" });
  await redis.commands.set("gumshoe:c:fence:coordinator", value, "PX", 700);
  const fence = await acquire("b");
  expect(fence.isFresh).toBe(true);
  await fence.release();
});

test("the fence of a process that has ended is taken over at once", async () => {
  const ended = { ...ownIdentity(), started: "9f3c01aa-1" };
  await setHolder(ended);
  const fence = await acquire("b", { waitMs: 0 });
  expect(fence.isFresh).toBe(true);
  await fence.release();
});

test.each([
  ["runs", ownIdentity()],
  ["ran on another machine", { ...ownIdentity(), started: "9f3c01aa-1", host: "other pid:[1]" }],
  ["is not known", undefined],
])("the fence of a process that %s is not taken over", async (_, process) => {
  await setHolder(process);
  await expect(acquire("b", { waitMs: 300 })).rejects.toMatchObject({ holder: "a" });
});

async function setHolder(process: ProcessIdentity | undefined): Promise<void> {
  const value = JSON.stringify({ holder: "a", id: "x", process });
  await redis.commands.set("gumshoe:c:fence:coordinator", value, "PX", 60_000);
}

test("a holder is notified once when another process acquires the fence", async () => {
  let losses = 0;
  const fence = await acquire("a", { onLost: () => losses++ });
  await redis.commands.set("gumshoe:c:fence:coordinator", "other", "PX", 60_000);
  await expect.poll(() => losses, { timeout: 4000 }).toBe(1);
  expect(fence.isFresh).toBe(false);
});

test("a holder keeps the fence when Redis has lost its data", async () => {
  let losses = 0;
  const fence = await acquire("a", { onLost: () => losses++ });
  await redis.commands.flushall();
  await expect
    .poll(() => redis.commands.exists("gumshoe:c:fence:coordinator"), { timeout: 4000 })
    .toBe(1);
  await expect(acquire("b", { waitMs: 0 })).rejects.toMatchObject({ holder: "a" });
  expect(losses).toBe(0);
  await fence.release();
});
