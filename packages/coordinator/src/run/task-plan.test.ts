import { parseRunConfig } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { TaskPlan } from "./task-plan.js";

const config = (
  source: object,
  validation: object | null = null,
  curriculum: object | null = null,
) =>
  parseRunConfig(
    JSON.stringify({
      ...{ name: "plan", type: "grpo", model: "model", validation },
      tasks: { source: { type: "generate", ...source }, perIteration: 5, curriculum },
    }),
  );

test("an iteration's tasks are the same whenever they are asked for", async () => {
  const plan = await TaskPlan.open(config({ seed: 4 }));
  const late = await plan.tasksOf(3);
  expect(late.map(({ id }) => id)).toEqual([15, 16, 17, 18, 19].map((i) => `mini-clear-4-${i}`));
  await plan.tasksOf(0);
  expect(await plan.tasksOf(3)).toEqual(late);
  expect(await (await TaskPlan.open(config({ seed: 4 }))).tasksOf(3)).toEqual(late);
});

test("cases of the wanted difficulty come up, and none of the validation", async () => {
  const source = { seed: 4, difficulty: { min: 5, max: 7 } };
  const alone = await TaskPlan.open(config(source));
  const held = { source: { type: "generate", ...source }, count: 3 };
  const plan = await TaskPlan.open(config(source, held));
  const tasks = await plan.tasksOf(0);
  expect(plan.validation).toEqual((await alone.tasksOf(0)).slice(0, 3));
  const hashes = plan.validation.map(({ contentHash }) => contentHash);
  expect(tasks.filter(({ contentHash }) => hashes.includes(contentHash))).toEqual([]);
  expect(tasks.slice(3)).toEqual((await alone.tasksOf(0)).slice(3));
});

test("a curriculum's tier has its own cases for the same places, but for those of the validation", async () => {
  const climb = { tiers: ["mini", "easy"] };
  const held = { source: { type: "generate", tier: "easy", seed: 4 }, count: 4 };
  const plan = await TaskPlan.open(config({ seed: 4 }, held, climb));
  const ids = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id);
  expect(await plan.tasksOf(0, "mini")).toEqual(await plan.tasksOf(0));
  expect(ids(await plan.tasksOf(1, "easy"))).toEqual(
    [5, 6, 7, 8, 9].map((i) => `easy-clear-4-${i}`),
  );
  // Places 0 to 3 are in the validation: training has another case there.
  const other = [0, 1, 2, 3].map((i) => `easy-clear-4-${i}-1`);
  expect(ids(await plan.tasksOf(0, "easy"))).toEqual([...other, "easy-clear-4-4"]);
});

test("a difficulty that no case has is told with the field", async () => {
  const source = { difficulty: { min: 500, max: 600 } };
  await expect(TaskPlan.open(config(source))).rejects.toThrow(
    "tasks.source.difficulty: difficulty: no mini case",
  );
});
