import { expect, test } from "vitest";

import { parseSweep } from "./parse.js";
import { sweepRuns } from "./sweep.js";

const runsOf = (text: string) => sweepRuns(parseSweep(text, "rates.yaml"));

test("a grid gives every combination, and further runs follow", () => {
  const runs = runsOf(
    "config: a.yaml\nset: { iterations: 3 }\n" +
      "grid: { optimizer.lr: [1, 2], seed: [1, 2] }\nruns: [{ optimizer.lr: 3 }]\n",
  );
  expect(runs.map(({ values }) => values)).toEqual([
    { "optimizer.lr": 1, seed: 1 },
    { "optimizer.lr": 1, seed: 2 },
    { "optimizer.lr": 2, seed: 1 },
    { "optimizer.lr": 2, seed: 2 },
    { "optimizer.lr": 3 },
  ]);
  expect(runs[4]?.set).toEqual([
    { field: "iterations", value: 3 },
    { field: "optimizer.lr", value: 3 },
  ]);
});

test("a run keeps its name when others are added, and gets another with another value", () => {
  const [one] = runsOf("config: a.yaml\ngrid: { seed: [1] }\n");
  const [two, same] = runsOf("config: a.yaml\ngrid: { seed: [2, 1] }\n");
  expect(one?.name).toMatch(/^rates-[0-9a-f]{6}$/);
  expect(same?.name).toBe(one?.name);
  expect(two?.name).not.toBe(one?.name);
  const [other] = runsOf("config: a.yaml\nset: { iterations: 2 }\ngrid: { seed: [1] }\n");
  expect(other?.name).not.toBe(one?.name);
});

test.each([
  ["config: a.yaml", "grid: is missing, and so is runs"],
  ["grid: { seed: [1] }", "config: is missing"],
  ["config: a.yaml\ngrid: { seed: [] }", "grid.seed: must be at least 1 items"],
  ["config: a.yaml\ngrid: { seed: [1, 1] }", "grid: run 2 has the same values as run 1"],
  ["config: a.yaml\nruns: [{ seed: 1 }, { seed: 1 }]", "runs: run 2 has the same values"],
  [`config: a.yaml\ngrid: { seed: [${"1,".repeat(300)}1] }`, "grid: makes 301 runs; at most 256"],
  ["config: a.yaml\ngird: { seed: [1] }", "gird: unknown field (did you mean grid?)"],
  ["config: a.yaml\nname: A b\ngrid: { seed: [1] }", "name: "],
])("%s is refused with the field", (text, problem) => {
  expect(() => runsOf(text)).toThrow(problem);
});
