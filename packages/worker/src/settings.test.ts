import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { readSettings } from "./settings.js";

const ENV = {
  GUMSHOE_ROLE: "trainer",
  GUMSHOE_COORDINATOR: "127.0.0.1:7070",
  GUMSHOE_REDIS_URL: "redis://127.0.0.1:6379",
  GUMSHOE_TOKEN: "secret",
};

test("by default a worker binds to loopback and uses all cores", () => {
  const settings = readSettings(ENV);
  expect(settings).toMatchObject({ role: "trainer", listen: "127.0.0.1:0", fault: null });
  expect(settings.nice).toBe(10);
  expect(settings.threads).toBeGreaterThan(0);
});

test("secrets can be read from files", () => {
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-settings-"));
  const file = join(folder, "token");
  writeFileSync(file, "word\n");
  const settings = readSettings({ ...ENV, GUMSHOE_TOKEN: undefined, GUMSHOE_TOKEN_FILE: file });
  rmSync(folder, { recursive: true });
  expect(settings.token).toBe("word");
  expect(readSettings({ ...ENV, GUMSHOE_REDIS_PASSWORD: "word" }).redisUrl).toBe(
    "redis://:word@127.0.0.1:6379",
  );
});

test.each([
  [{ GUMSHOE_TOKEN: "" }, "GUMSHOE_TOKEN: is not set"],
  [{ GUMSHOE_COORDINATOR: "127.0.0.1:0" }, "GUMSHOE_COORDINATOR: 127.0.0.1:0 is not host:port"],
  [{ GUMSHOE_LISTEN: "any" }, "GUMSHOE_LISTEN: any is not host:port"],
  [{ GUMSHOE_LOG_LEVEL: "loud" }, "GUMSHOE_LOG_LEVEL: loud is not one of"],
  [{ GUMSHOE_ROLE: "trainee" }, "GUMSHOE_ROLE: trainee is not one of inference, trainer, reducer"],
  [{ GUMSHOE_THREADS: "0" }, "GUMSHOE_THREADS: 0 is not a whole number"],
  [{ GUMSHOE_NICE: "-5" }, "GUMSHOE_NICE: -5 is not a whole number from 0 to 19"],
  [{ GUMSHOE_DEVICE: "tpu" }, "GUMSHOE_DEVICE: tpu is no device (cpu, or cuda:N for GPU N)"],
  [{ GUMSHOE_ANNOUNCE: "gpu-1:7071" }, "GUMSHOE_ANNOUNCE: gpu-1:7071 is not a name or an address"],
  [{ GUMSHOE_SHARED_MEMORY: "no" }, "GUMSHOE_SHARED_MEMORY: no is not on or off"],
  [{ GUMSHOE_FAULT: "all" }, "GUMSHOE_FAULT: all is not decode-attention"],
])("%o is an error that names the variable", (change, message) => {
  expect(() => readSettings({ ...ENV, ...change })).toThrow(message);
});
