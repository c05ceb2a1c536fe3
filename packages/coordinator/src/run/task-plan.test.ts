import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/protocol";
import { type Task, taskToJson } from "@gumshoe/puzzles";
import { afterAll, expect, test } from "vitest";

import { TaskPlan } from "./task-plan.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-task-plan-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const module = join(folder, "parity.mjs");
writeFileSync(
  module,
  `export const createEnvironment = ({ below }) => ({
    task({ rng }) {
      const number = rng.below(below);
      const content = "Is " + number + " odd?";
      return { messages: [{ role: "user", content }], answer: number % 2, randomGuessLevel: 0.5 };
    },
    grade: ({ answer }, reply) => ({ reward: reply === (answer ? "yes" : "no") ? 1 : 0 }),
  });`,
);
const MODULE = { type: "module", module, seed: 1, options: { below: 300 } };

function plan(changes: Record<string, unknown>): Promise<TaskPlan> {
  const config = {
    ...{ name: "plan", type: "grpo", seed: 3, model: "m", updatesPerIteration: 1 },
    ...changes,
  };
  return TaskPlan.open(parseRunConfig(JSON.stringify(config)));
}

const hashes = (tasks: readonly Task[]) => tasks.map(({ contentHash }) => contentHash);

test("a user's module gives a run its tasks, the same ones every time, and grades them", async () => {
  const config = {
    tasks: { source: MODULE, perIteration: 12 },
    validation: { source: MODULE, count: 20 },
  };
  const [one, other] = [await plan(config), await plan(config)];
  expect(one.validation.map(taskToJson)).toEqual(other.validation.map(taskToJson));
  other.tasksOf(9);
  expect(one.tasksOf(2)).toEqual(other.tasksOf(2));
  const task = one.environment.readTask(taskToJson(one.tasksOf(0)[0] as Task));
  const isOdd = /[13579] odd/.test(task.messages[0]?.content ?? "");
  expect(await one.environment.grade(task, isOdd ? "yes" : "no")).toMatchObject({ reward: 1 });
  expect(await one.environment.grade(task, isOdd ? "no" : "yes")).toMatchObject({ reward: 0 });
});

test.each([
  ["a module", MODULE],
  ["zebra puzzles", { type: "zebra", houses: 3, attributes: 2, seed: 1 }],
  ["cases", { type: "generate", tier: "mini", seed: 1 }],
])("no validation task of %s comes up in training", async (_name, source) => {
  const tasks = { source, perIteration: 12 };
  const { validation, ...training } = await plan({ tasks, validation: { source, count: 12 } }).then(
    (one) => ({ validation: one.validation, first: one.tasksOf(0), second: one.tasksOf(1) }),
  );
  const held = new Set(hashes(validation));
  expect(held.size).toBeGreaterThan(8);
  const trained = hashes([...training.first, ...training.second]);
  expect(trained.filter((hash) => held.has(hash))).toEqual([]);
});

test("training and validation may be of different environments", async () => {
  const tasks = { source: MODULE };
  const one = await plan({ tasks, validation: { source: { type: "zebra" }, count: 2 } });
  expect(one.validation[0]?.id).toBe("zebra-4x3-1-0");
  expect(one.task(0).id).toBe("module-1-0");
});

test("a run that learns from replies is refused where the environment writes none", async () => {
  const examples = { source: MODULE, perUpdate: 4 };
  await expect(plan({ type: "sft", updatesPerIteration: 1, examples })).rejects.toThrow(
    "examples.answers.type: the environment of examples.source writes no gold replies",
  );
  const careless = { source: { type: "zebra" }, answers: { type: "careless", share: 0.5 } };
  await expect(plan({ type: "sft", examples: careless })).rejects.toThrow("no careless replies");
  const gold = await plan({ type: "sft", examples: { source: { type: "zebra" } } });
  expect(gold.environment.goldReply?.(gold.task(0))).toMatch(/^A\. \w+\nB\. /);
});
