import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { DatasetError } from "../errors.js";
import { parseDataset } from "./dataset.js";

const GOLDEN = new URL("../../../../test/golden/temporal-clue/val.json", import.meta.url);
const RECORD = { num_clues: 3, prompt: "Who?", solution: { A: "Mrs. White" } };

test("the public cases are read", () => {
  const records = parseDataset(readFileSync(GOLDEN, "utf8"));
  expect(records).toHaveLength(64);
  expect(records.flatMap(({ solution }) => Object.keys(solution))).toHaveLength(429);
});

test("a JSON array and lines of JSON objects are equivalent", () => {
  const lines = `${JSON.stringify(RECORD)}\n\n${JSON.stringify({ ...RECORD, more: 1 })}\r\n`;
  expect(parseDataset(lines)).toEqual([RECORD, RECORD]);
  expect(parseDataset(`\uFEFF ${JSON.stringify([RECORD, RECORD])}`)).toEqual([RECORD, RECORD]);
});

test("answers are in the order of their letters", () => {
  const [record] = parseDataset(JSON.stringify({ ...RECORD, solution: { B: "Rope", A: "Knife" } }));
  expect(Object.keys(record?.solution ?? {})).toEqual(["A", "B"]);
});

test.each([
  ["", "file: holds no cases"],
  ["[]", "file: holds no cases"],
  ["[{]", "file: is not JSON"],
  [`${JSON.stringify(RECORD)}\nnot json`, "line 2: is not JSON"],
  ["[1]", "record 1: must be a JSON object"],
  [JSON.stringify([RECORD, { ...RECORD, num_clues: -1 }]), "record 2, field num_clues: must be"],
  [JSON.stringify({ ...RECORD, prompt: " " }), "line 1, field prompt: must be a text"],
  [JSON.stringify({ ...RECORD, prompt: "x".repeat(1_000_001) }), "prompt: has 1000001 characters"],
  [JSON.stringify({ ...RECORD, solution: {} }), "line 1, field solution: must map letters"],
  [JSON.stringify({ ...RECORD, solution: { A: 1 } }), "line 1, field solution.A: must be a text"],
  [JSON.stringify({ ...RECORD, solution: { a: "x" } }), "field solution.a: is not a letter A to Z"],
])("a broken file is refused, with its place: %.80j", (text, message) => {
  expect(() => parseDataset(text)).toThrow(DatasetError);
  expect(() => parseDataset(text)).toThrow(message);
});
