import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { readCases } from "./read-cases.js";

const folder = mkdtempSync(join(tmpdir(), "cases-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["", "holds no cases"],
  ["[]", "holds no cases"],
  ['{"prompt": 5}', "line 1"],
])("what is wrong with the file of cases %j is said with its path", (text, problem) => {
  const file = join(folder, "cases.json");
  writeFileSync(file, text);
  expect(() => readCases(file)).toThrow(`${file}: ${problem}`);
});
