import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { gumshoe } from "../../../../test/support/in-process.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-show-"));
  file = join(folder, "cases.json");
  const series = ["--tier", "easy", "--count", "3", "--seed", "7"];
  await gumshoe(folder, "puzzle", "generate", ...series, "--out", file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a case from a file is shown like the case of the series, as plain text", async () => {
  const fromFile = await gumshoe(folder, "puzzle", "show", file, "--index", "2");
  const words = ["--tier", "easy", "--seed", "7", "--index", "2"];
  const made = await gumshoe(folder, "puzzle", "show", ...words);
  expect(fromFile).toEqual({ code: 0, out: made.out, err: "" });
  // eslint-disable-next-line no-control-regex
  expect(made.out).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  for (const heading of ["Clues:", "How it is solved:", "What happened", "Answers:"]) {
    expect(made.out).toContain(heading);
  }
});

test("as JSON a case has prompt, solution and trace", async () => {
  const { out } = await gumshoe(folder, "puzzle", "show", file, "--json");
  const shown = JSON.parse(out) as Record<string, unknown>;
  expect(Object.keys(shown)).toEqual(["prompt", "solution", "trace"]);
  expect(shown["solution"]).toMatchObject({ A: "Madame Rose", B: "Lead Pipe" });
  expect(shown["trace"]).toHaveLength(5);
});

test("an index outside the file is an error with the file's number of cases", async () => {
  const { code, out, err } = await gumshoe(folder, "puzzle", "show", file, "--index", "3");
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("cases.json: has 3 cases, index 0 to 2; there is no 3");
});

test("a tier together with a file is rejected", async () => {
  const { code, err } = await gumshoe(folder, "puzzle", "show", file, "--tier", "mini");
  expect(code).toBe(2);
  expect(err).toContain("--tier: names a case to be made; leave it out with a file");
});
