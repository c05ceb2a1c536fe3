import { z } from "zod";

import { count } from "./fields.js";
import { TaskSourceConfig } from "./task-source.js";

const HELD_OUT_FIELDS = {
  source: TaskSourceConfig.describe("source of the tasks"),
  count: count(1, 100_000).default(64).describe("number of tasks, from the start of the source"),
  samplesPerTask: count(1, 256).default(1).describe("answers sampled per task"),
  greedy: z.boolean().default(true).describe("whether to grade a greedy answer, too"),
};

/** A fixed set of tasks that are never trained on, and the interval of validations. */
export const ValidationConfig = z.strictObject({
  ...HELD_OUT_FIELDS,
  every: count(1, 1_000_000)
    .default(10)
    .describe(
      "iterations between two validations; there is also one before the first iteration and after the last",
    ),
});
/** A fixed set of tasks that are never trained on, and the interval of validations. */
export type ValidationConfig = z.infer<typeof ValidationConfig>;

/**
 * A fixed set of tasks that are neither trained nor validated on: they are answered once, at the end of
 * the run, by the weights that it ends with.
 */
export const ReportConfig = z.strictObject(HELD_OUT_FIELDS);
/** A fixed set of tasks that are neither trained nor validated on. */
export type ReportConfig = z.infer<typeof ReportConfig>;

/** The rule that ends a run when validation falls below its best. */
export const StopWhenConfig = z.strictObject({
  validationDrop: z
    .number()
    .gt(0)
    .max(1)
    .default(0.05)
    .describe("drop of the mean reward below the best so far"),
  action: z
    .enum(["stop", "rollback"])
    .default("stop")
    .describe("result of the run: the newest weights (stop) or the best checkpoint (rollback)"),
});
/** The rule that ends a run when validation falls below its best. */
export type StopWhenConfig = z.infer<typeof StopWhenConfig>;
