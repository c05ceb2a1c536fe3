import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { goldReply, grade, parseDataset } from "@gumshoe/puzzles";

import { generateRecords, writeRecords } from "./case-file.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-cases-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SERIES = { tier: "mini", style: "clear", seed: 3, count: 5 } as const;

test("a file of cases is read back as it was written, as JSON and as lines", () => {
  for (const name of ["cases.json", "cases.jsonl"]) {
    const path = join(folder, name);
    expect(writeRecords(path, generateRecords(SERIES))).toBe(5);
    const records = parseDataset(readFileSync(path, "utf8"));
    expect(records).toHaveLength(5);
    for (const { solution } of records) expect(grade(goldReply(solution), solution).score).toBe(1);
  }
});

test("the same series gives the same bytes", () => {
  const paths = ["a.json", "b.json"].map((name) => join(folder, name));
  for (const path of paths) writeRecords(path, generateRecords(SERIES));
  const [a, b] = paths.map((path) => readFileSync(path, "utf8"));
  expect(a).toBe(b);
});

test("a file that cannot be written is named", () => {
  const path = join(folder, "no", "such", "folder.json");
  expect(() => writeRecords(path, [])).toThrow(`${path}: cannot be written`);
});
