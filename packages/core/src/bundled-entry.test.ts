import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

import { bundledEntry } from "./bundled-entry.js";

const INPUTS = ["dist/thread.js", "../core/dist/index.js"];
let folder: string;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "gumshoe-bundle-")), "worker");
  for (const file of [...INPUTS, "dist/bundle/thread.js"]) write(file, "export {};");
  const files = INPUTS.map((file) => {
    const { size, mtimeMs } = statSync(join(folder, file));
    return [file, size, Math.trunc(mtimeMs)];
  });
  write("dist/bundle/inputs.json", JSON.stringify({ recipe: "", files }));
});
afterEach(() => rmSync(dirname(folder), { recursive: true, force: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function entry(file: string): string {
  return bundledEntry(pathToFileURL(join(folder, file))).href;
}

const url = (file: string) => pathToFileURL(join(folder, file)).href;

test("an entry file has its bundle while nothing in it has changed", () => {
  expect(entry("dist/thread.js")).toBe(url("dist/bundle/thread.js"));
});

test.each(INPUTS)("a change of %s makes the bundles outdated", (file) => {
  write(file, "export const changed = 1;");
  expect(entry("dist/thread.js")).toBe(url("dist/thread.js"));
});

test("a file that is gone makes the bundles outdated", () => {
  rmSync(join(folder, INPUTS[1] as string));
  expect(entry("dist/thread.js")).toBe(url("dist/thread.js"));
});

test("what has no bundle, or is no compiled file, stays what it is", () => {
  expect(entry("dist/other.js")).toBe(url("dist/other.js"));
  expect(entry("src/thread.ts")).toBe(url("src/thread.ts"));
});

test("bundles that were interrupted do not count", () => {
  rmSync(join(folder, "dist/bundle/inputs.json"));
  expect(entry("dist/thread.js")).toBe(url("dist/thread.js"));
});
