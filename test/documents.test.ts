/** Lists in the documents match the code. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import { isIgnored, listFiles } from "./architecture/source-tree.js";
import { commandsOf, PAGES } from "./support/documented-commands.js";
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

test("what the commands of the documents make is ignored, so that the other tests do not look at it", () => {
  const commands = PAGES.flatMap(commandsOf).map(({ command }) => command);
  const places = commands.flatMap((command) =>
    [...command.matchAll(/ (?:(--\w*python_out=)|--out |--replies |> )([\w.][^\s;|&]*)/g)].map(
      ([, stubs, place = ""]) =>
        stubs === undefined ? place : `${place}/gumshoe/v1/run_pb2_grpc.py`,
    ),
  );
  expect(places).toContain("cases.json");
  expect(places).toContain("examples/client-python/gumshoe/v1/run_pb2_grpc.py");
  expect(places.filter((place) => !isIgnored(place))).toEqual([]);
});

test("docs/operations.md lists the figures of an iteration under the names that the code gives them", () => {
  const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const file = join(ROOT, "packages/coordinator/src/run/iteration-metrics.ts");
  const names = readFileSync(file, "utf8").matchAll(
    /figures\["(\w+)"\]|^ {4}(\w+): sums?\.|^ {4}(\w+): \w+ \/ 1000|^ {2}"(\w+)",$/gm,
  );
  const found = [...names].map(([, ...groups]) => groups.find((one) => one !== undefined) ?? "");
  expect(found).toContain("gradNorm");
  expect(found).toContain("policyKl");
  expect(found).toContain("gradingSeconds");
  expect(found.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("source files that the documents name exist", () => {
  const files = listFiles();
  const named = files
    .filter((file) =>
      /^(docs|packages\/[\w-]+|packages\/coordinator\/src\/run)\/[\w-]+\.md$/.test(file),
    )
    .flatMap((file) =>
      [
        ...readFileSync(join(ROOT, file), "utf8").matchAll(
          /`(?:\.\.\/)*([\w./-]+\.(?:ts|mjs|cpp|h))`/g,
        ),
      ].map(([, name = ""]) => ({ file, name })),
    );
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(
    ({ name }) => !files.some((file) => `/${file}`.endsWith(`/${name}`)),
  );
  expect(missing).toEqual([]);
});
