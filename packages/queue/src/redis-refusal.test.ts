/** A Redis that responds but can never be used: connecting fails at once, without waiting. */
import { createServer } from "node:net";

import { createLogger } from "@gumshoe/core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { RedisRefusedError } from "./errors.js";
import { Fence } from "./fence.js";
import { JobQueue } from "./job-queue.js";
import { JobWorker } from "./job-worker.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;
let admin: RedisLink;
beforeAll(async () => {
  server = await startRedis();
  admin = await RedisLink.connect({ url: server.url, cluster: "c" });
});
afterAll(async () => {
  admin.close();
  await server.close();
});

/** Creates a Redis user with these rights, and returns the user's URL. */
async function userWith(...rights: string[]): Promise<string> {
  await admin.commands.call("ACL", "SETUSER", "ann", "reset", "on", ">word", "&*", ...rights);
  return `redis://ann:word@127.0.0.1:${server.port}`;
}

test.each([
  ["no scripts", ["~*", "+@all", "-eval"], /'eval' command/],
  ["no INFO", ["~*", "+@all", "-@dangerous"], /'info' command/],
  ["keys of others", ["~other:*", "+@all"], /access one of the keys/],
])("a user without the required permissions is rejected: %s", async (_name, rights, reason) => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const error: unknown = await RedisLink.connect({ url: await userWith(...rights), cluster: "c" })
    .then((link) => link.close())
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RedisRefusedError);
  expect((error as Error).message).toMatch(reason);
  expect((error as Error).message).toMatch("grant it ~gumshoe:c:* +@all -@dangerous +info");
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test("a user with exactly the required rights can do everything", async () => {
  const url = await userWith("~gumshoe:c:*", "+@all", "-@dangerous", "+info");
  const redis = await RedisLink.connect({ url, cluster: "c" });
  const fence = await Fence.acquire({
    redis,
    name: "coordinator",
    holder: "a",
    onLost: () => undefined,
  });
  const taken: string[] = [];
  const handler = ({ groupKey }: { groupKey: string }) =>
    Promise.resolve(void taken.push(groupKey));
  const queue = new JobQueue("rollout", { redis });
  const worker = new JobWorker("rollout", { redis, handler });
  await queue.ensure([{ run: "r", groupKey: "0/train/0", kind: "train" }]);
  await vi.waitFor(() => expect(taken).toEqual(["0/train/0"]), 5000);
  expect(await queue.counts()).toMatchObject({ waiting: 0, dead: 0 });
  await queue.removeRun("r");
  await queue.checkKeys();
  await worker.close(0);
  await queue.close();
  await fence.release();
  redis.close();
});

test("rights that are revoked later are named", async () => {
  const redis = await RedisLink.connect({ url: await userWith("~*", "+@all"), cluster: "c" });
  await userWith("~*", "+@all", "-get");
  await expect(redis.run(() => redis.commands.get("a"))).rejects.toThrow(RedisRefusedError);
  redis.close();
});

test("a missing database is rejected, and database 0 is not used instead", async () => {
  const url = `${server.url}/99`;
  await expect(RedisLink.connect({ url, cluster: "c" })).rejects.toThrow(
    "it has no database with the number in the URL",
  );
});

test("a Redis Cluster is rejected", async () => {
  const node = await startRedis(null, ["--cluster-enabled", "yes"]);
  await expect(RedisLink.connect({ url: node.url, cluster: "c" })).rejects.toThrow(
    "it is a Redis Cluster",
  );
  await node.close();
});

test("a server of another protocol is named as such", async () => {
  const other = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const url = `redis://127.0.0.1:${port}`;
  await expect(RedisLink.connect({ url, cluster: "c", waitMs: 0 })).rejects.toThrow(
    `no Redis at 127.0.0.1:${port}: the server there is not Redis`,
  );
  other.close();
});

test("the same reason to wait is logged at intervals, not on every attempt", async () => {
  const lines: string[] = [];
  const logger = createLogger("test", "warn", { write: (line) => void lines.push(line) });
  await admin.commands.call("replicaof", "127.0.0.1", "1");
  const acquiring = Fence.acquire({
    redis: admin,
    name: "f",
    holder: "a",
    onLost: () => undefined,
    logger,
  });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await admin.commands.call("replicaof", "no", "one");
  await (await acquiring).release();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch("waiting for Redis: no Redis at");
});
