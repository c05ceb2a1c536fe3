import { afterAll, beforeAll, expect, test } from "vitest";

import { freePort, startRedis, type TestRedis } from "../../../test/support/redis-server.js";
import { RedisLink } from "./redis-link.js";

let server: TestRedis;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.close();
});

test("a missing Redis is an error that names its address", async () => {
  const port = await freePort();
  const connecting = RedisLink.connect({
    url: `redis://127.0.0.1:${port}`,
    cluster: "c",
    waitMs: 300,
  });
  await expect(connecting).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: `no Redis at 127.0.0.1:${port}: no server answers there`,
  });
});

test("a wrong or missing password is rejected at once, and never shown", async () => {
  const at = `127.0.0.1:${server.port}`;
  await expect(
    RedisLink.connect({ url: `redis://:guess@${at}`, cluster: "c" }),
  ).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    message: `Redis at ${at}: the password is wrong`,
  });
  await expect(RedisLink.connect({ url: `redis://${at}`, cluster: "c" })).rejects.toMatchObject({
    message: `Redis at ${at}: the password is missing`,
  });
});

test("an invalid URL is rejected", async () => {
  await expect(RedisLink.connect({ url: "localhost", cluster: "c" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    field: "redisUrl",
  });
});

test("connecting waits for a Redis that starts late", async () => {
  await server.kill();
  const connecting = RedisLink.connect({ url: server.url, cluster: "c", waitMs: 10_000 });
  await server.start();
  const link = await connecting;
  expect(await link.commands.ping()).toBe("PONG");
  link.close();
});

test("a command fails in time while Redis is down, and the listener is called after the reconnect", async () => {
  const link = await RedisLink.connect({ url: server.url, cluster: "c", commandTimeoutMs: 1000 });
  await link.commands.ping();
  let reconnects = 0;
  link.onReconnect(() => reconnects++);
  await server.kill();
  await expect(link.run(() => link.commands.ping())).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await server.start();
  await expect.poll(() => reconnects, { timeout: 5000 }).toBe(1);
  link.close();
});
