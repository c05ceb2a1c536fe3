import { expect, test } from "vitest";

import { readRedisUrl } from "./redis-url.js";

const GUMSHOE_REDIS_URL = "redis://redis:6379";

test.each([
  [{ GUMSHOE_REDIS_URL }, GUMSHOE_REDIS_URL],
  [{ GUMSHOE_REDIS_URL: "redis://:word@redis:6379" }, "redis://:word@redis:6379"],
  [{ GUMSHOE_REDIS_URL, GUMSHOE_REDIS_PASSWORD: "a_b-1" }, "redis://:a_b-1@redis:6379"],
  [{ GUMSHOE_REDIS_URL, GUMSHOE_REDIS_PASSWORD: "a/b@c%" }, "redis://:a%2Fb%40c%25@redis:6379"],
])("%o gives %s", (env, url) => {
  expect(readRedisUrl(env)).toBe(url);
});

test.each([
  [{}, "GUMSHOE_REDIS_URL: is not set"],
  [{ GUMSHOE_REDIS_URL: "redis" }, "GUMSHOE_REDIS_URL: is not a URL"],
  [{ GUMSHOE_REDIS_URL: "redis:6379" }, "GUMSHOE_REDIS_URL: names no host"],
  [{ GUMSHOE_REDIS_URL: "http://redis" }, "GUMSHOE_REDIS_URL: must begin with redis://"],
  [
    { GUMSHOE_REDIS_URL: "redis://redis/jobs" },
    "GUMSHOE_REDIS_URL: /jobs is not the number of a database, such as /0",
  ],
  [
    { GUMSHOE_REDIS_URL: "redis://:word@redis", GUMSHOE_REDIS_PASSWORD: "other" },
    "GUMSHOE_REDIS_PASSWORD: GUMSHOE_REDIS_URL holds a password already",
  ],
])("%o is an error that names the variable", (env, message) => {
  expect(() => readRedisUrl(env)).toThrow(message);
});
