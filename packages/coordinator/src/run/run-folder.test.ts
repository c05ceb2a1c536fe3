import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { deleteLeftovers, deleteMoved, isRemoved, moveAway } from "./run-folder.js";

const logger = createLogger("test", "silent");
const FILE_BYTES = 100_000;

let home: string;
let runs: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "run-folder-"));
  runs = join(home, "runs");
  mkdirSync(runs);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function makeRun(folder: string): void {
  mkdirSync(join(folder, "blobs"), { recursive: true });
  writeFileSync(join(folder, "blobs", "one"), new Uint8Array(FILE_BYTES).fill(1));
}

test("deleting a folder that was moved away returns the freed bytes", async () => {
  const folder = join(runs, "first");
  makeRun(folder);
  const moved = await moveAway(folder);
  expect(readdirSync(runs).map(isRemoved)).toEqual([true]);
  const freed = await deleteMoved(moved, logger);
  expect(freed).toBeGreaterThanOrEqual(FILE_BYTES);
  expect(freed).toBeLessThan(2 * FILE_BYTES);
  expect(readdirSync(runs)).toEqual([]);
});

test("a run in another place, behind a symbolic link, is deleted there", async () => {
  const elsewhere = join(home, "elsewhere");
  makeRun(elsewhere);
  symlinkSync(elsewhere, join(runs, "first"));
  const freed = await deleteMoved(await moveAway(join(runs, "first")), logger);
  expect(freed).toBeGreaterThanOrEqual(FILE_BYTES);
  expect(existsSync(elsewhere)).toBe(false);
  expect(readdirSync(runs)).toEqual([]);
});

test("a symbolic link inside a run is removed, and its target stays", async () => {
  const model = join(home, "model");
  makeRun(model);
  makeRun(join(runs, "first"));
  symlinkSync(model, join(runs, "first", "link"));
  const freed = await deleteMoved(await moveAway(join(runs, "first")), logger);
  expect(freed).toBeLessThan(2 * FILE_BYTES);
  expect(lstatSync(join(model, "blobs", "one")).size).toBe(FILE_BYTES);
});

test("moving a missing folder succeeds, and frees no bytes", async () => {
  expect(await deleteMoved(await moveAway(join(runs, "first")), logger)).toBe(0);
});

test("leftovers of removals are deleted, and runs stay", async () => {
  makeRun(join(runs, "first"));
  makeRun(join(runs, ".removed-second-01234567"));
  await deleteLeftovers(runs, logger);
  expect(readdirSync(runs)).toEqual(["first"]);
});
