import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { HomeLock } from "./home-lock.js";

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "home-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

test("a home is locked once, whatever its lock file holds, and again after it was released", () => {
  const lock = HomeLock.take(home);
  const problem = `a coordinator already works in ${home} (process ${process.pid})`;
  expect(() => HomeLock.take(home)).toThrow(problem);
  writeFileSync(join(home, "coordinator.lock"), "");
  expect(() => HomeLock.take(home)).toThrow(problem);
  lock.release();
  HomeLock.take(home).release();
});
