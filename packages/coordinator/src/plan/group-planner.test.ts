import { fileURLToPath } from "node:url";

import { checkRunConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import type { Task } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

import { GroupPlanner } from "./group-planner.js";
import { openRunModel } from "./run-model.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const BYTES_PER_TOKEN = 4;

const config = checkRunConfig({
  name: "planned",
  type: "grpo",
  model: ROOKIE,
  tasks: { source: { type: "generate" } },
  rollouts: { maxAnswerTokens: 1000 },
  validation: { source: { type: "generate", seed: 2 }, count: 1, greedy: false },
  maxPackTokens: 4096,
});

/** Of tasks whose answers have one turn. */
const TASKS = {
  digests: { train: "t", validation: "v", report: "r" },
  inTurns: { train: false, validation: false, report: false },
};

function task(content: string): Task {
  const messages = [{ role: "user" as const, content }];
  return { id: "long", contentHash: "c", messages, randomGuessLevel: 0 };
}

async function* drawn(...tasks: Task[]): AsyncIterable<Task> {
  yield* tasks;
}

test("an answer may go up to the model's last position, in training as in a validation", async () => {
  const model = await openRunModel(config, "");
  const planner = new GroupPlanner(config, model, TASKS);
  const long = task("Mrs. White was in the Hall. ".repeat(20));
  const groups = [
    ...(await planner.train(0, drawn(long, task("Who?")))),
    ...(await planner.heldOut("validation", 0, [long])),
  ];
  for (const { promptTokens, maxAnswerTokens } of groups) {
    const prompt = promptTokens.byteLength / BYTES_PER_TOKEN;
    expect(maxAnswerTokens).toBe(Math.min(1000, model.maxPositions - prompt));
  }
  expect(groups[0]?.maxAnswerTokens).toBeLessThan(1000);
  expect(groups[2]?.maxAnswerTokens).toBe(groups[0]?.maxAnswerTokens);
});

test("options of sampling are in every group, the minimum length within the room for an answer", async () => {
  const model = await openRunModel(config, "");
  const plan = async (options: object) => {
    const rollouts = { maxAnswerTokens: 1000, ...options };
    const other = checkRunConfig({ ...config, rollouts });
    const planner = new GroupPlanner(other, model, TASKS);
    const long = task("Mrs. White was in the Hall. ".repeat(20));
    return [
      ...(await planner.train(0, drawn(long, task("Who?")))),
      ...(await planner.heldOut("validation", 0, [task("Who?")])),
    ];
  };
  const none = await plan({});
  expect(none.map(({ sampling }) => sampling)).toEqual([undefined, undefined, undefined]);
  const groups = await plan({ topP: 0.9, minAnswerTokens: 1000, stop: ["END"] });
  for (const { sampling, maxAnswerTokens } of groups) {
    const rest = { minP: 0, minAnswerTokens: maxAnswerTokens, stop: ["END"] };
    expect(sampling).toEqual({ topK: 0, topP: 0.9, ...rest });
  }
  expect(groups[0]?.maxAnswerTokens).toBeLessThan(1000);
});

test("a task whose prompt leaves no room for an answer is refused by the model's field", async () => {
  const model = await openRunModel(config, "");
  const planner = new GroupPlanner(config, model, TASKS);
  const full = task("Mrs. White was in the Hall. ".repeat(2000));
  const refused = planner.train(0, drawn(full));
  await expect(refused).rejects.toThrow(InvalidArgumentError);
  await expect(refused).rejects.toThrow(/^model: has 1024 positions; the prompt of long alone has/);
});
