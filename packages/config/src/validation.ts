import { z } from "zod";

import { count } from "./fields.js";
import { TaskSourceConfig } from "./task-source.js";

/** A fixed set of tasks that are never trained on, and the interval of validations. */
export const ValidationConfig = z.strictObject({
  source: TaskSourceConfig.describe("where the tasks come from"),
  count: count(1, 100_000).default(64).describe("tasks: the first ones of the source"),
  samplesPerTask: count(1, 256).default(1).describe("answers sampled for each task"),
  greedy: z.boolean().default(true).describe("whether the most likely answer is graded too"),
  every: count(1, 1_000_000)
    .default(10)
    .describe("iterations between two validations; also before the first and after the last"),
});
/** A fixed set of tasks that are never trained on, and the interval of validations. */
export type ValidationConfig = z.infer<typeof ValidationConfig>;

/** The rule that ends a run when validation falls below its best. */
export const StopWhenConfig = z.strictObject({
  validationDrop: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe("fall of the mean reward under the best so far"),
  action: z
    .enum(["stop", "rollback"])
    .default("stop")
    .describe("end the run, or go back to the best checkpoint and end"),
});
/** The rule that ends a run when validation falls below its best. */
export type StopWhenConfig = z.infer<typeof StopWhenConfig>;
