import { expect, test } from "vitest";

import { configProblem } from "../../../test/support/config-problem.js";
import { parseRunConfig } from "./parse.js";

const MODULE = "{ type: module, module: ./judge.mjs }";

function config(tasks: string, more = ""): string {
  return `{ name: a, type: grpo, model: m, tasks: { ${tasks} }, ${more} }`;
}

const REWARDS = "rewards: { weights: { correct: 1, short: -0.2 } }";
const APART = "rewards: { weights: { correct: 1 }, aggregation: normalize-then-sum }";

test("rewards have weights by name, and their sum is normalised by default", () => {
  expect(parseRunConfig(config(`source: ${MODULE}, ${REWARDS}`))).toMatchObject({
    tasks: {
      rewards: { weights: { correct: 1, short: -0.2 }, aggregation: "sum-then-normalize" },
    },
  });
  const without = parseRunConfig(config(`source: ${MODULE}`));
  expect(JSON.stringify(without)).not.toContain("rewards");
});

test.each([
  ["weights: {}", "tasks.rewards.weights: must name 1 to 20 rewards"],
  ["weights: { correct: 0 }", "tasks.rewards.weights: are all 0"],
  ["weights: { correct: .inf }", "tasks.rewards.weights.correct: must be"],
  ["weights: { 'a b': 1 }", "tasks.rewards.weights.a b: "],
  ["weights: { a: 1 }, normalise: each", "tasks.rewards.normalise: unknown field"],
  [
    "weights: { a: 1 }, aggregation: normalise-then-sum",
    'tasks.rewards.aggregation: "normalise-then-sum" is not a choice (did you mean normalize-then-sum?)',
  ],
])("rewards with %s are refused by field", (fields, message) => {
  expect(configProblem(config(`source: ${MODULE}, rewards: { ${fields} }`))).toContain(message);
});

test("weights are refused where a source of training or validation has one reward", () => {
  const message =
    "tasks.rewards: needs sources whose grades are made by a module or a server; generate has one reward";
  expect(configProblem(config(`source: { type: generate }, ${REWARDS}`))).toContain(message);
  const validation = "validation: { source: { type: generate } }";
  expect(configProblem(config(`source: ${MODULE}, ${REWARDS}`, validation))).toContain(message);
});

test("a length penalty is refused where no sum of rewards is there to be lowered", () => {
  const loss = "loss: { overlong: { bufferTokens: 8 } }";
  expect(configProblem(config(`source: ${MODULE}, ${APART}`, loss))).toContain(
    "loss.overlong: excludes tasks.rewards.aggregation: normalize-then-sum",
  );
  expect(configProblem(config(`source: ${MODULE}, ${REWARDS}`, loss))).toBe("no problem");
});
