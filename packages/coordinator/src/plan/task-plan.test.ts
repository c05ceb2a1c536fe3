import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
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
    name: "plan",
    type: "grpo",
    seed: 3,
    model: "m",
    updatesPerIteration: 1,
    ...changes,
  };
  return TaskPlan.open(parseRunConfig(JSON.stringify(config)));
}

/** Collects all tasks. */
async function all(tasks: AsyncIterable<Task>): Promise<Task[]> {
  const drawn: Task[] = [];
  for await (const task of tasks) drawn.push(task);
  return drawn;
}

const hashes = (tasks: readonly Task[]) => tasks.map(({ contentHash }) => contentHash);

test("a user's module supplies a run's tasks, the same ones every time, and grades them", async () => {
  const config = {
    tasks: { source: MODULE, perIteration: 12 },
    validation: { source: MODULE, count: 20 },
  };
  const [one, other] = [await plan(config), await plan(config)];
  expect(one.heldOut.validation.map(taskToJson)).toEqual(other.heldOut.validation.map(taskToJson));
  await all(other.draw(108, 12));
  expect(await all(one.draw(24, 12))).toEqual(await all(other.draw(24, 12)));
  const task = one.environment.readTask(taskToJson((await all(one.draw(0, 12)))[0] as Task));
  const isOdd = /[13579] odd/.test(task.messages[0]?.content ?? "");
  const replies = isOdd ? ["yes", "no"] : ["no", "yes"];
  expect(await one.environment.grade(task, replies)).toMatchObject([{ reward: 1 }, { reward: 0 }]);
});

test.each([
  ["a module", MODULE],
  ["zebra puzzles", { type: "zebra", houses: 3, attributes: 2, seed: 1 }],
  ["cases", { type: "generate", tier: "mini", seed: 1 }],
])("no validation task of %s is drawn for training", async (_name, source) => {
  const tasks = { source, perIteration: 12 };
  const one = await plan({ tasks, validation: { source, count: 12 } });
  const held = new Set(hashes(one.heldOut.validation));
  expect(held.size).toBeGreaterThan(8);
  const trained = hashes([...(await all(one.draw(0, 12))), ...(await all(one.draw(12, 12)))]);
  expect(trained.filter((hash) => held.has(hash))).toEqual([]);
});

test("no task of the report is drawn for training, and none is in the validation", async () => {
  const source = { type: "generate", tier: "mini" };
  const tasks = { source: { ...source, seed: 1 }, perIteration: 12 };
  const validation = { source: { ...source, seed: 2 }, count: 4 };
  const one = await plan({ tasks, validation, report: { source: tasks.source, count: 6 } });
  const held = new Set(hashes(one.heldOut.report));
  expect(held.size).toBe(6);
  const alone = await plan({ tasks, validation });
  const unlike = hashes(await all(alone.draw(0, 12))).filter((hash) => held.has(hash));
  expect(unlike).toHaveLength(6);
  expect(hashes(await all(one.draw(0, 24))).filter((hash) => held.has(hash))).toEqual([]);
  await expect(plan({ tasks, validation, report: { ...validation, count: 2 } })).rejects.toThrow(
    "report.source: has 2 of its 2 tasks in the validation",
  );
});

test("training and validation may use different environments", async () => {
  const tasks = { source: MODULE };
  const one = await plan({ tasks, validation: { source: { type: "zebra" }, count: 2 } });
  expect(one.heldOut.validation[0]?.id).toBe("zebra-4x3-1-0");
  expect((await one.task(0)).id).toBe("module-1-0");
});

test("a run that learns from replies is rejected when the environment writes none", async () => {
  const examples = { source: MODULE, perUpdate: 4 };
  await expect(plan({ type: "sft", updatesPerIteration: 1, examples })).rejects.toThrow(
    "examples.answers.type: the environment of examples.source writes no gold replies",
  );
  const careless = { source: { type: "zebra" }, answers: { type: "careless", share: 0.5 } };
  await expect(plan({ type: "sft", examples: careless })).rejects.toThrow("no careless replies");
  const trace = { source: { type: "zebra" }, answers: { type: "trace" } };
  await expect(plan({ type: "sft", examples: trace })).rejects.toThrow("no trace replies");
  const gold = await plan({ type: "sft", examples: { source: { type: "zebra" } } });
  expect(await gold.environment.goldReply?.(await gold.task(0))).toMatch(/^A\. \w+\nB\. /);
});

const clueConfig = (
  source: object,
  validation: object | null = null,
  curriculum: object | null = null,
) =>
  parseRunConfig(
    JSON.stringify({
      name: "plan",
      type: "grpo",
      model: "model",
      validation,
      tasks: { source: { type: "generate", ...source }, perIteration: 5, curriculum },
    }),
  );

test("an iteration's tasks are the same on every request", async () => {
  const plan = await TaskPlan.open(clueConfig({ seed: 4 }));
  const late = await all(plan.draw(15, 5));
  expect(late.map(({ id }) => id)).toEqual([15, 16, 17, 18, 19].map((i) => `mini-clear-4-${i}`));
  await all(plan.draw(0, 5));
  expect(await all(plan.draw(15, 5))).toEqual(late);
  expect(await all((await TaskPlan.open(clueConfig({ seed: 4 }))).draw(15, 5))).toEqual(late);
});

test("training draws cases of the requested difficulty, and none of the validation set", async () => {
  const source = { seed: 4, difficulty: { min: 5, max: 7 } };
  const alone = await TaskPlan.open(clueConfig(source));
  const held = { source: { type: "generate", ...source }, count: 3 };
  const plan = await TaskPlan.open(clueConfig(source, held));
  const tasks = await all(plan.draw(0, 5));
  expect(plan.heldOut.validation).toEqual((await all(alone.draw(0, 5))).slice(0, 3));
  const hashes = plan.heldOut.validation.map(({ contentHash }) => contentHash);
  expect(tasks.filter(({ contentHash }) => hashes.includes(contentHash))).toEqual([]);
  expect(tasks.slice(3)).toEqual((await all(alone.draw(0, 5))).slice(3));
});

test("each tier of a curriculum draws its own cases for the same indices, except those of the validation set", async () => {
  const climb = { tiers: ["mini", "easy"] };
  const held = { source: { type: "generate", tier: "easy", seed: 4 }, count: 4 };
  const plan = await TaskPlan.open(clueConfig({ seed: 4 }, held, climb));
  const ids = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id);
  expect(await all(plan.draw(0, 5, "mini"))).toEqual(await all(plan.draw(0, 5)));
  expect(ids(await all(plan.draw(5, 5, "easy")))).toEqual(
    [5, 6, 7, 8, 9].map((i) => `easy-clear-4-${i}`),
  );
  // Indices 0 to 3 are in the validation set: training draws another case for them.
  const other = [0, 1, 2, 3].map((i) => `easy-clear-4-${i}-1`);
  expect(ids(await all(plan.draw(0, 5, "easy")))).toEqual([...other, "easy-clear-4-4"]);
});

test("a difficulty that no case has is rejected by field", async () => {
  const source = { difficulty: { min: 500, max: 600 } };
  await expect(TaskPlan.open(clueConfig(source))).rejects.toThrow(
    "tasks.source.difficulty: difficulty: no mini case",
  );
});
