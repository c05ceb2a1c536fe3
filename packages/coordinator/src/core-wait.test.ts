import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { CoreWait } from "./core-wait.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the wait for a core is the second of the system's numbers", () => {
  const file = join(folder, "schedstat");
  writeFileSync(file, "145950000 6500000 2\n");
  const wait = new CoreWait(file);
  expect(wait.readMs()).toBe(6.5);
  writeFileSync(file, "145950000 16500000 3\n");
  expect(wait.readMs()).toBe(16.5);
  wait.close();
});

test("where the system does not tell, nothing was waited", () => {
  const wait = new CoreWait(join(folder, "none"));
  expect(wait.readMs()).toBe(0);
  wait.close();
});

test("of this process it never goes back", () => {
  const wait = new CoreWait();
  const before = wait.readMs();
  const until = performance.now() + 20;
  while (performance.now() < until);
  expect(wait.readMs()).toBeGreaterThanOrEqual(before);
  wait.close();
});
