/** Errors of a Redis that responds but temporarily cannot execute commands. */
import { createLogger } from "@gumshoe/core";
import type { RolloutJob } from "@gumshoe/protocol";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { RedisKeyError, RedisUnavailableError } from "./errors.js";
import { JobQueue } from "./job-queue.js";
import { JobWorker } from "./job-worker.js";
import { RedisLink } from "./redis-link.js";
import { awayReply } from "./redis-reply.js";

let server: TestRedis;
let link: RedisLink;
let queue: JobQueue<"rollout">;
beforeAll(async () => {
  server = await startRedis();
  link = await RedisLink.connect({ url: server.url, cluster: "c" });
  queue = new JobQueue("rollout", { redis: link });
});
afterEach(async () => {
  await config("maxmemory", "0");
  await config("maxmemory-policy", "noeviction");
  await link.commands.call("replicaof", "no", "one");
  await link.commands.flushall();
});
afterAll(async () => {
  await queue.close();
  link.close();
  await server.close();
});

const config = (name: string, value: string) => link.commands.config("SET", name, value);
const job = (n: number): RolloutJob => ({ run: "r", groupKey: `0/train/${n}`, kind: "train" });
const expectAway = async (command: Promise<unknown>, reason: RegExp) => {
  const error: unknown = await command.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RedisUnavailableError);
  expect(error).toMatchObject({
    retryable: true,
    details: { reason: expect.stringMatching(reason) as string },
  });
};

test.each([
  ["add", () => queue.addMany([job(1), job(2)])],
  ["ensure", () => queue.ensure([job(1)])],
  ["eval", () => link.run(() => link.commands.eval("return redis.call('SET', 'a', '1')", 0))],
  ["set", () => link.run(() => link.commands.set("a", "1"))],
])("out of memory and read-only count as temporarily unavailable: %s", async (_name, command) => {
  await config("maxmemory", "1");
  await expectAway(command(), /^OOM command not allowed[^,]*$/);
  await config("maxmemory", "0");
  await link.commands.call("replicaof", "127.0.0.1", "1");
  await expectAway(command(), /^READONLY You can't write against a read only replica\.?$/);
});

test.each([
  ["LOADING Redis is loading the dataset in memory", true],
  ["MISCONF Redis is configured to save RDB snapshots", true],
  ["CLUSTERDOWN The cluster is down", true],
  ["BUSY Redis is busy running a script.", true],
  ["NOREPLICAS Not enough good replicas to write.", true],
  ["MASTERDOWN Link with MASTER is down", true],
  ["NOAUTH Authentication required.", true],
  ["ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed", true],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", false],
  ["BUSYGROUP Consumer Group name already exists", false],
  ["ERR unknown command", false],
])("%s means that Redis is temporarily unavailable: %s", (message, isAway) => {
  expect(awayReply(new Error(message)) !== null).toBe(isAway);
});

test(
  "a password that is changed while a link stands counts as away, until it is changed back",
  { timeout: 40_000 },
  async () => {
    const admin = await RedisLink.connect({ url: server.url, cluster: "c" });
    const setPassword = (word: string) => admin.commands.config("SET", "requirepass", word);
    await setPassword("another");
    try {
      await admin.commands.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      // A command that was on its way when the connection broke runs into its time limit.
      const refused = () => expectAway(queue.ensure([job(1)]), /^WRONGPASS /);
      await vi.waitFor(refused, { timeout: 20_000 });
    } finally {
      await setPassword(server.password);
    }
    await vi.waitFor(() => queue.ensure([job(1)]), { timeout: 10_000 });
    admin.close();
  },
);

test.each([
  ["prioritized", () => "gumshoe:c:queue:rollout:prioritized", "zset"],
  ["meta", () => "gumshoe:c:queue:rollout:meta", "hash"],
  ["a job", () => "gumshoe:c:queue:rollout:r/0/train/1", "hash"],
])("a key that another program has written is named: %s", async (_name, key, expected) => {
  await link.commands.set(key(), "something");
  const error: unknown = await queue
    .ensure([job(1)])
    .then(
      () => queue.checkKeys(),
      (thrown: unknown) => Promise.reject(thrown as Error),
    )
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RedisKeyError);
  expect((error as Error).message).toMatch(
    `Redis at 127.0.0.1:${server.port}: key ${key()} holds a string instead of a ${expected}`,
  );
  expect(error).toMatchObject({ retryable: false });
});

test("the eviction policy can be queried, and BullMQ prints no line about it", async () => {
  await config("maxmemory-policy", "allkeys-lru");
  expect(await link.evictionPolicy()).toBe("allkeys-lru");
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const other = await RedisLink.connect({
    url: server.url,
    cluster: "c",
    logger: createLogger("test", "silent"),
  });
  const producer = new JobQueue("gradient", { redis: other });
  const worker = new JobWorker("gradient", { redis: other, handler: () => Promise.resolve() });
  await worker.ready();
  await producer.counts();
  await worker.close(0);
  await producer.close();
  other.close();
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});
