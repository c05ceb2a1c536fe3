import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { HomeLock } from "./home-lock.js";

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "home-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const file = () => join(home, "coordinator.lock");
const holder = () => JSON.parse(readFileSync(file(), "utf8")) as { pid: number; started: string };

test("a home is taken once, and again when it was given back", async () => {
  const lock = await HomeLock.take(home);
  await expect(HomeLock.take(home)).rejects.toThrow(
    `a coordinator already works in ${home} (process ${process.pid})`,
  );
  await lock.release();
  expect(existsSync(file())).toBe(false);
  await (await HomeLock.take(home)).release();
});

test("the lock of a process that died is taken over", async () => {
  const child = spawn("sleep", ["60"]);
  child.kill("SIGKILL");
  await once(child, "exit");
  writeFileSync(file(), JSON.stringify({ host: hostname(), pid: child.pid, started: "1" }));
  await HomeLock.take(home);
  expect(holder().pid).toBe(process.pid);
});

test.runIf(existsSync("/proc/self/stat"))(
  "the lock of an earlier process with the same number is taken over",
  async () => {
    const { pid } = process;
    writeFileSync(file(), JSON.stringify({ host: hostname(), pid, started: "1" }));
    await HomeLock.take(home);
    expect(holder().started).not.toBe("1");
  },
);

test("a lock that cannot be read is taken over", async () => {
  writeFileSync(file(), '{"host"');
  await HomeLock.take(home);
  expect(holder().pid).toBe(process.pid);
});
