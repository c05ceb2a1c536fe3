import { type Clock, systemClock } from "@gumshoe/core";
import { type SampledRollout } from "@gumshoe/engine";
import { createEnvironment, type Environment, taskToJson } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

import { gradeRollouts } from "./grade-rollouts.js";

const clue = createEnvironment({ type: "generate", tier: "mini", style: "clear", seed: 1 });
const task = clue.source().task(0);
const spec = { groupKey: "0/train/0", taskJson: taskToJson(task) };
const replies = [clue.goldReply?.(task) ?? "", "no idea", "unscorable"];
const sampled = replies.map((_, index) => ({
  ...{ tokens: Int32Array.of(index), logprobs: Float32Array.of(-1), finish: "stop" },
})) as unknown as SampledRollout[];

/** Grades with an environment that differs from Temporal Clue in its judgement. */
function gradeWith(
  grade: Environment["grade"],
  more: { clock?: Clock; signal?: AbortSignal } = {},
) {
  return gradeRollouts(spec, sampled, {
    environment: { ...clue, grade },
    tokenizer: { decode: ([index = 0]) => replies[index] ?? "" },
    ...{ clock: systemClock, signal: new AbortController().signal, ...more },
  });
}

test("an answer has a reward and the environment's further numbers", async () => {
  const [gold, wrong] = await gradeWith((one, reply) => clue.grade(one, reply));
  expect(gold).toMatchObject({ reward: 1, gradingError: "", metrics: { allCorrect: 1 } });
  expect(wrong).toMatchObject({ reward: 0, gradingError: "", text: "no idea" });
});

test("an answer that cannot be scored has no reward and says why, and the others keep theirs", async () => {
  const ways: Environment["grade"][] = [
    () => ({ reward: null, reason: "no checker", metrics: { tries: 3 } }),
    () => {
      throw new Error("no checker");
    },
    () => Promise.reject(new Error("no checker")),
  ];
  for (const way of ways) {
    const graded = await gradeWith((one, reply) =>
      reply === "unscorable" ? way(one, reply) : clue.grade(one, reply),
    );
    expect(graded.map(({ reward }) => reward)).toEqual([1, 0, undefined]);
    expect(graded.map(({ gradingError }) => gradingError)).toEqual(["", "", "no checker"]);
  }
});

test("grading that does not end is given up, and so is that of a job that was taken away", async () => {
  const never = () => new Promise<never>(() => undefined);
  const impatient: Clock = { ...systemClock, sleep: () => Promise.resolve() };
  await expect(gradeWith(never, { clock: impatient })).rejects.toMatchObject({
    code: "DEADLINE_EXCEEDED",
    retryable: true,
  });
  const signal = AbortSignal.abort(new Error("the lease is lost"));
  await expect(gradeWith(never, { signal })).rejects.toThrow("the lease is lost");
});
