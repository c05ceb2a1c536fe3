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
])("a faulty file of cases %j is rejected with its path and the fault", (text, problem) => {
  const file = join(folder, "cases.json");
  writeFileSync(file, text);
  expect(() => readCases(file)).toThrow(`${file}: ${problem}`);
});
