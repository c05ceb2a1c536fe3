import { z } from "zod";

import { Answer } from "./group.js";
import { runName, whole, wholeText } from "./fields.js";

/** Rewards of one held-out task in one validation. */
export const TaskPoint = z.object({
  iteration: whole(),
  group: whole().describe("index of the group of sampled answers"),
  mean: z.number().nullable().describe("of the sampled answers"),
  greedyGroup: whole().nullable(),
  greedy: z.number().nullable().describe("reward of the greedy answer"),
});
/** Rewards of one held-out task in one validation. */
export type TaskPoint = z.infer<typeof TaskPoint>;

/** A held-out task, with its rewards through the validations. */
export const HeldOutTask = z.object({
  task: whole().describe("index in the validation"),
  points: z.array(TaskPoint),
});
/** A held-out task, with its rewards through the validations. */
export type HeldOutTask = z.infer<typeof HeldOutTask>;

/** The held-out tasks of a run. */
export const HeldOutTasks = z.object({
  iterations: z.array(whole()).describe("iterations that were validated"),
  tasks: z.array(HeldOutTask),
});
/** The held-out tasks of a run. */
export type HeldOutTasks = z.infer<typeof HeldOutTasks>;

/** The answers to one held-out task in one validation. */
export const TaskAnswers = z.object({
  iteration: whole(),
  version: whole().describe("weight version that sampled them"),
  sampled: z.array(Answer),
  greedy: z.array(Answer),
});
/** The answers to one held-out task in one validation. */
export type TaskAnswers = z.infer<typeof TaskAnswers>;

/** One held-out task through the iterations of a run. */
export const TaskHistory = z.object({
  task: whole(),
  id: z.string().nullable(),
  prompt: z.string(),
  solution: z.unknown(),
  history: z.array(TaskAnswers).describe("the oldest first"),
});
/** One held-out task through the iterations of a run. */
export type TaskHistory = z.infer<typeof TaskHistory>;

/** Path of a held-out task. */
export const TaskPath = z.object({ run: runName(), task: wholeText() });
/** Path of a held-out task. */
export type TaskPath = z.infer<typeof TaskPath>;
