import { expect, test } from "vitest";

import { configProblem } from "../../../test/support/config-problem.js";
import { namedPaths, resolvePaths } from "./named-paths.js";
import { parseRunConfig } from "./parse.js";

const config = (sources: string, more = "") =>
  `{ name: a, type: grpo, model: m, tasks: { source: { type: mix, sources: [${sources}] }, ${more} } }`;

const ONE = "{ name: one, source: { type: generate } }";
const FILE = "{ name: file, weight: 0.5, source: { type: dataset, file: cases.json } }";
const MODULE = "{ name: own, source: { type: module, module: own.mjs } }";

test("a mix has named sources with weights, and their paths are those of the config", () => {
  const parsed = parseRunConfig(config(`${ONE}, ${FILE}, ${MODULE}`));
  expect(parsed).toMatchObject({
    tasks: { source: { sources: [{ weight: 1, source: { tier: "mini" } }, { weight: 0.5 }, {}] } },
  });
  const paths = namedPaths(resolvePaths(parsed, "/data")).slice(1);
  expect(paths).toEqual([
    { field: "tasks.source.sources.1.source.file", path: "/data/cases.json", kind: "dataset" },
    { field: "tasks.source.sources.2.source.module", path: "/data/own.mjs", kind: "module" },
  ]);
});

test.each([
  [ONE, "tasks.source.sources: must be at least 2 items long"],
  [`${ONE}, ${ONE}`, "tasks.source.sources: has two sources of one name"],
  [
    `${ONE}, { name: b, weight: 0, source: { type: zebra } }`,
    "tasks.source.sources.1.weight: must",
  ],
  [
    `${ONE}, { name: a.b, source: { type: zebra } }`,
    "tasks.source.sources.1.name: must be 1 to 40",
  ],
  [
    `${ONE}, { name: b, source: { type: mix, sources: [${ONE}, ${ONE}] } }`,
    'tasks.source.sources.1.source.type: "mix" is not a choice',
  ],
  [
    `${ONE}, { name: b, source: { type: zebra, hauses: 4 } }`,
    "tasks.source.sources.1.source.hauses: unknown field (did you mean houses?)",
  ],
  [`${ONE}, { nam: b, source: { type: zebra } }`, "did you mean name?"],
])("a mix of %s is refused by field", (sources, message) => {
  expect(configProblem(config(sources))).toContain(message);
});

test("a curriculum and another grader are refused as for the sources themselves", () => {
  const curriculum = "curriculum: { tiers: [mini, easy] }";
  expect(configProblem(config(`${ONE}, ${FILE}`, curriculum))).toContain(
    "tasks.curriculum: needs tasks.source of type: generate",
  );
  expect(configProblem(config(`${ONE}, ${MODULE}`, "grader: seed"))).toContain(
    "tasks.grader: must be fixed: a module grades its own tasks",
  );
});

test("turns need a module, which may be one of the sources of a mix", () => {
  const withTurns = (sources: string) =>
    `{ name: a, type: grpo, model: m, tasks: { source: { type: mix, sources: [${sources}] } }, ` +
    "rollouts: { turns: { max: 3 } } }";
  expect(configProblem(withTurns(`${ONE}, ${MODULE}`))).toBe("no problem");
  expect(configProblem(withTurns(`${ONE}, ${FILE}`))).toContain(
    "rollouts.turns: needs a source of type: module whose module has step()",
  );
});
