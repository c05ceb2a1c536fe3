import { RedisLink } from "@gumshoe/queue";
import { afterAll, beforeAll, expect, test } from "vitest";

import { freePort, startRedis, type TestRedis } from "../../../../test/support/redis-server.js";
import { checkRedisServer } from "./redis-server.js";

let redis: TestRedis;
let link: RedisLink;
beforeAll(async () => {
  redis = await startRedis();
  link = await RedisLink.connect({ url: redis.url, cluster: "c" });
});
afterAll(async () => {
  link.close();
  await redis.close();
});

const look = (url: string) => checkRedisServer({ GUMSHOE_REDIS_URL: url }, "c");
const address = () => `127.0.0.1:${redis.port}`;

test("without a configured Redis there is no finding", async () => {
  expect(await checkRedisServer({}, "c")).toBeNull();
});

test("a Redis that evicts keys is a warning that names the setting", async () => {
  expect(await look(redis.url)).toMatchObject({ verdict: "ok", detail: `${address()} answers` });
  await link.commands.config("SET", "maxmemory-policy", "allkeys-lru");
  expect(await look(redis.url)).toEqual({
    name: "Redis server",
    verdict: "warning",
    detail: `${address()} drops jobs when its memory is full: maxmemory-policy allkeys-lru`,
    advice: "set maxmemory-policy noeviction",
  });
});

test("a Redis that cannot be reached, or holds keys of another program, is a problem", async () => {
  const nowhere = `127.0.0.1:${await freePort()}`;
  expect(await look(`redis://${nowhere}`)).toMatchObject({
    verdict: "problem",
    detail: `no Redis at ${nowhere}: no server answers there`,
  });
  await link.commands.set("gumshoe:c:queue:rollout:meta", "something");
  const found = await look(redis.url);
  expect(found?.verdict).toBe("problem");
  expect(found?.detail).toContain("key gumshoe:c:queue:rollout:meta holds a string");
});
