import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { goldReply, grade, parseDataset } from "@gumshoe/puzzles";

import { writeRecords } from "./case-file.js";
import { countChunks, makeChunk } from "./case-series.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-cases-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SERIES = { tier: "mini", style: "clear", seed: 3, count: 35, difficulty: null } as const;
const chunks = () => Array.from({ length: countChunks(SERIES) }, (_, i) => makeChunk(SERIES, i));

test("a file of cases is read back as it was written, in JSON and in JSONL", async () => {
  for (const name of ["cases.json", "cases.jsonl"]) {
    const path = join(folder, name);
    const seen: number[] = [];
    expect(await writeRecords(path, chunks(), (count) => seen.push(count))).toBe(35);
    expect(seen).toEqual([16, 32, 35]);
    const records = parseDataset(readFileSync(path, "utf8"));
    expect(records).toHaveLength(35);
    for (const { solution } of records) expect(grade(goldReply(solution), solution).score).toBe(1);
  }
});

test("every record has its difficulty, which is within the requested range", () => {
  for (const text of makeChunk({ ...SERIES, difficulty: { min: 4, max: 5 } }, 0)) {
    const { difficulty } = JSON.parse(text) as { difficulty: Record<string, number> };
    const names = ["numClues", "numEntities", "numDecisions", "numSteps", "numHardSteps"];
    expect(Object.keys(difficulty)).toEqual(names);
    expect([4, 5]).toContain(difficulty["numSteps"]);
  }
});

test("a failed write leaves no partial file, and keeps the previous file", async () => {
  function* failing() {
    yield ["{}"];
    throw new Error("half-way");
  }
  const path = join(folder, "cases.json");
  await expect(writeRecords(path, failing())).rejects.toThrow("half-way");
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(path, "before");
  await expect(writeRecords(path, failing())).rejects.toThrow("half-way");
  expect(readdirSync(folder)).toEqual(["cases.json"]);
  expect(readFileSync(path, "utf8")).toBe("before");
});

test("a symbolic link is kept, and its target is written", async () => {
  const path = join(folder, "cases.json");
  writeFileSync(path, "before");
  symlinkSync(path, join(folder, "link.json"));
  await writeRecords(join(folder, "link.json"), [["1"], ["2"]]);
  expect(readFileSync(path, "utf8")).toBe("[\n1,\n2\n]\n");
  expect(readdirSync(folder)).toHaveLength(2);
});

test("a file that cannot be written is named", async () => {
  const path = join(folder, "no", "such", "folder.json");
  await expect(writeRecords(path, [])).rejects.toThrow(`${path}: cannot be written`);
});

test("the error about a file that cannot be written gives the reason", async () => {
  await expect(writeRecords(join(folder, "none", "cases.json"), chunks())).rejects.toThrow(
    /none\/cases\.json: cannot be written: its folder does not exist/,
  );
  writeFileSync(join(folder, "file"), "");
  await expect(writeRecords(join(folder, "file", "cases.json"), chunks())).rejects.toThrow(
    /lies below a file/,
  );
  expect(readdirSync(folder)).toEqual(["file"]);
});
