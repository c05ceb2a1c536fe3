import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { diskRoom, makeFolder } from "./disk.js";
import { DiskFullError } from "./errors.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-disk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a folder is created with its parents, and may exist already", () => {
  const deep = join(folder, "a", "b", "c");
  makeFolder(deep, 0o700);
  makeFolder(deep);
  expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
  expect(statSync(deep).isDirectory()).toBe(true);
});

test("creating a folder where a file exists is an error", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => makeFolder(join(folder, "file"))).toThrow(/EEXIST/);
  expect(() => makeFolder(join(folder, "file", "below"))).toThrow(/EEXIST|ENOTDIR/);
});

test.runIf(existsSync("/proc/self"))("creating a folder in /proc is an error, not a hang", () => {
  expect(() => makeFolder("/proc/gumshoe/home")).toThrow(/ENOENT|EACCES|EPERM/);
});

test("a full disk is reported with what has run out: bytes, files, or a user's quota", () => {
  const told = (freeBytes: number, freeFiles: number | null) =>
    new DiskFullError(folder, { freeBytes, freeFiles, neededBytes: 5_000_000 }).message;
  expect(told(1_000_000, 10)).toMatch(/is full: 1.0 MB free, about 5.0 MB needed/);
  expect(told(9_000_000, 0)).toMatch(/9.0 MB free, but none of its files \(inodes\) is/);
  expect(told(9_000_000, null)).toMatch(/9.0 MB free, but not to this user \(a quota\?\)/);
});

test("the free space of a missing folder is its parent's", () => {
  expect(diskRoom(join(folder, "not", "there")).freeBytes).toBeGreaterThan(0);
});
