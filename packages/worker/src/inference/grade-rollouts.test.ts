import type { SampledRollout } from "@gumshoe/engine";
import { createEnvironment, type TaskGrade, taskToJson } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

import { gradeRollouts } from "./grade-rollouts.js";

const clue = createEnvironment({ type: "generate", tier: "mini", style: "clear", seed: 1 });
const task = clue.source().task(0);
const spec = { taskJson: Buffer.from(taskToJson(task)) };
const replies = [clue.goldReply?.(task) ?? "", "no idea", "unscorable"];
const sampled = replies.map((_, index) => ({
  tokens: Int32Array.of(index),
  logprobs: Float32Array.of(-1),
  finish: "stop",
})) as unknown as SampledRollout[];

/** Grades with the test's own grader. */
function gradeWith(
  grade: (texts: readonly string[]) => Promise<TaskGrade[]>,
  signal = new AbortController().signal,
) {
  return gradeRollouts(spec, sampled, {
    environment: {
      readTask: (json) => clue.readTask(json),
      grade: (_task, texts) => grade(texts),
    },
    tokenizer: { decode: ([index = 0]) => replies[index] ?? "" },
    signal,
  });
}

test("an answer has a reward and the environment's other metrics", async () => {
  const [gold, wrong] = await gradeWith((texts) =>
    Promise.all(texts.map(async (text) => clue.grade(task, text))),
  );
  expect(gold).toMatchObject({ reward: 1, gradingError: "", metrics: { allCorrect: 1 } });
  expect(wrong).toMatchObject({ reward: 0, gradingError: "", text: "no idea" });
});

test("an answer that cannot be scored has no reward but a reason; the others keep their rewards", async () => {
  const grades: TaskGrade[] = [
    { reward: 1, metrics: {} },
    { reward: 0, metrics: {} },
    { reward: null, reason: "no checker", metrics: { tries: 3 } },
  ];
  const graded = await gradeWith(async () => grades);
  expect(graded.map(({ reward }) => reward)).toEqual([1, 0, undefined]);
  expect(graded.map(({ gradingError }) => gradingError)).toEqual(["", "", "no checker"]);
  expect(graded[2]?.metrics).toEqual({ tries: 3 });
});

test("grading stops waiting when the job is cancelled", async () => {
  const never = () => new Promise<never>(() => undefined);
  const controller = new AbortController();
  const graded = gradeWith(never, controller.signal);
  controller.abort(new Error("the lease is lost"));
  await expect(graded).rejects.toThrow("the lease is lost");
});
