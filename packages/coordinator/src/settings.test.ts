import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { readSettings } from "./settings.js";

const ENV = { GUMSHOE_REDIS_URL: "redis://127.0.0.1:6379", GUMSHOE_TOKEN: "secret" };

const folder = mkdtempSync(join(tmpdir(), "gumshoe-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("an empty variable keeps the default: an empty address must not bind to all interfaces", () => {
  const empty = Object.fromEntries(
    ["LISTEN", "HTTP_LISTEN", "CLUSTER", "HOME", "LOG_LEVEL", "READY_FILE"].map((name) => [
      `GUMSHOE_${name}`,
      "",
    ]),
  );
  expect(readSettings({ ...ENV, ...empty })).toEqual(readSettings(ENV));
});

test("the default binds to loopback", () => {
  expect(readSettings(ENV)).toMatchObject({ listen: "127.0.0.1:7070", token: "secret" });
});

test("recovery points are written every 90 seconds unless told otherwise", () => {
  expect(readSettings(ENV).recoveryEveryMs).toBe(90_000);
  expect(readSettings({ ...ENV, GUMSHOE_RECOVERY_SECONDS: "7" }).recoveryEveryMs).toBe(7000);
});

test("a worker is lost after 10 seconds of silence unless told otherwise", () => {
  expect(readSettings(ENV).lostAfterMs).toBe(10_000);
  expect(readSettings({ ...ENV, GUMSHOE_SLICE_SECONDS: "60" }).sliceMs).toBe(60_000);
  expect(readSettings({ ...ENV, GUMSHOE_LOST_SECONDS: "3" }).lostAfterMs).toBe(3000);
});

test("token and Redis password may be read from files", () => {
  const file = join(folder, "word");
  writeFileSync(file, "word\n");
  const { GUMSHOE_REDIS_URL } = ENV;
  const env = {
    GUMSHOE_REDIS_URL,
    GUMSHOE_TOKEN_FILE: file,
    GUMSHOE_REDIS_PASSWORD_FILE: file,
  };
  expect(readSettings(env)).toMatchObject({
    token: "word",
    redisUrl: "redis://:word@127.0.0.1:6379",
  });
});

test.each([
  [{ GUMSHOE_TOKEN: "" }, "GUMSHOE_TOKEN: is not set"],
  [{ GUMSHOE_HTTP_LISTEN: "7080" }, "GUMSHOE_HTTP_LISTEN: 7080 is not host:port"],
  [{ GUMSHOE_LISTEN: "7070" }, "GUMSHOE_LISTEN: 7070 is not host:port"],
  [{ GUMSHOE_TOKEN: "two words" }, "GUMSHOE_TOKEN: may have 1 to 1000 characters"],
  [{ GUMSHOE_RECOVERY_SECONDS: "often" }, "GUMSHOE_RECOVERY_SECONDS: often is not a number of"],
  [{ GUMSHOE_LOST_SECONDS: "-1" }, "GUMSHOE_LOST_SECONDS: -1 is not a number of"],
  [{ GUMSHOE_LOG_LEVEL: "loud" }, "GUMSHOE_LOG_LEVEL: loud is not one of"],
  [{ GUMSHOE_REDIS_URL: "" }, "GUMSHOE_REDIS_URL: is not set"],
])("%o is an error that names the variable", (change, message) => {
  expect(() => readSettings({ ...ENV, ...change })).toThrow(message);
});
