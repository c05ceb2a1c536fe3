import { z } from "zod";

import { RunSummary } from "./run.js";
import { whole } from "./fields.js";

/** Names of the runs that are compared. */
export const CompareQuery = z.object({
  runs: z.string().min(1).max(2000).describe("comma-separated names, up to 20"),
});
/** Names of the runs that are compared. */
export type CompareQuery = z.infer<typeof CompareQuery>;

/** A field of the config in which the runs differ. */
export const ConfigDifference = z.object({
  field: z.string().describe("e.g. optimizer.learningRate"),
  values: z.array(z.unknown()).describe("one per run; null where it is missing"),
});
/** A field of the config in which the runs differ. */
export type ConfigDifference = z.infer<typeof ConfigDifference>;

/** A held-out task that all compared runs have. */
export const CommonTask = z.object({
  prompt: z.string().describe("the first 200 characters of its last message"),
  places: z
    .array(z.object({ run: z.string(), task: whole(), iteration: whole(), group: whole() }))
    .describe("in each run: the task's index, and its group in the newest validation"),
});
/** A held-out task that all compared runs have. */
export type CommonTask = z.infer<typeof CommonTask>;

/** Runs side by side. */
export const Comparison = z.object({
  runs: z.array(RunSummary).describe("in the order of the query"),
  differences: z.array(ConfigDifference),
  commonTasks: z.array(CommonTask),
});
/** Runs side by side. */
export type Comparison = z.infer<typeof Comparison>;
