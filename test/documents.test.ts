/** Lists in the documents match the code. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { ROOT } from "./support/gumshoe.js";

const VARIABLE = /\b(GUMSHOE_[A-Z_]*[A-Z])\b(\[_FILE\])?/g;

/** Returns the variables that a text names; `NAME[_FILE]` are two. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(VARIABLE)].flatMap(([, name = "", file]) =>
    file === undefined ? [name] : [name, `${name}_FILE`],
  );
}

/** Returns the sources of the packages, without tests and generated code. */
function sources(): string[] {
  return readdirSync(join(ROOT, "packages"), { recursive: true, encoding: "utf8" })
    .filter((path) => /^[\w-]+\/src\/.*\.ts$/.test(path) && !/\.test\.ts$|\/gen\//.test(path))
    .map((path) => readFileSync(join(ROOT, "packages", path), "utf8"));
}

test("docs/operations.md lists the variables that the code reads, and no others", () => {
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const [, table = ""] = page.split("\n## Variables\n");
  const read = [...new Set(sources().flatMap(variablesIn))].sort();
  expect(read.length).toBeGreaterThan(20);
  expect([...new Set(variablesIn(table.split("\n## ")[0] ?? ""))].sort()).toEqual(read);
});
