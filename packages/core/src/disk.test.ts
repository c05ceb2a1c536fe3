import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { makeFolder } from "./disk.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-disk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a folder is made with those above it, and may be there already", () => {
  const deep = join(folder, "a", "b", "c");
  makeFolder(deep, 0o700);
  makeFolder(deep);
  expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
  expect(statSync(deep).isDirectory()).toBe(true);
});

test("a file in the place of a folder is an error", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => makeFolder(join(folder, "file"))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(folder, "file", "below"))).toThrow(/EEXIST|ENOTDIR/);
});

test.runIf(existsSync("/proc/self"))(
  "a folder that takes no new ones is an error, not a hang",
  () => {
    expect(() => makeFolder("/proc/gumshoe/home")).toThrow(/ENOENT|EACCES|EPERM/);
  },
);
