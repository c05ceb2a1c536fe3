import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { CoreTime } from "./core-time.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the system's first two numbers are what ran and what waited", () => {
  const file = join(folder, "schedstat");
  writeFileSync(file, "145950000 6500000 2\n");
  const time = new CoreTime(file);
  expect(time.read()).toEqual({ ranMs: 145.95, waitedMs: 6.5 });
  writeFileSync(file, "146950000 16500000 3\n");
  expect(time.read()).toEqual({ ranMs: 146.95, waitedMs: 16.5 });
  time.close();
});

test("where the system does not tell, nothing is known", () => {
  const time = new CoreTime(join(folder, "none"));
  expect(time.read()).toBeNull();
  time.close();
});

test.runIf(process.platform === "linux")("work of this process is time on a core", () => {
  const time = new CoreTime();
  const before = time.read();
  const until = performance.now() + 50;
  while (performance.now() < until);
  const after = time.read();
  expect(after?.ranMs).toBeGreaterThan(before?.ranMs ?? Infinity);
  expect(after?.waitedMs).toBeGreaterThanOrEqual(before?.waitedMs ?? Infinity);
  time.close();
});
