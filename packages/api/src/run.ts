import { z } from "zod";

import { Alarm } from "./alarm.js";
import { atMs, GroupKind, Validation, WeightVersion, whole } from "./fields.js";
import { Cost, Forecast } from "./forecast.js";

/** States of a run. */
export const RunStatus = z.enum(["queued", "running", "done", "failed", "stuck", "cancelled"]);
/** State of a run. */
export type RunStatus = z.infer<typeof RunStatus>;

/** What a run does now. */
export const Progress = z.object({
  phase: z.enum(["waiting", "sampling", "learning", "validating", "checkpoint"]),
  iteration: whole(),
  done: whole(),
  total: whole(),
  tokensPerSecond: z.number().nullable(),
  note: z.string().nullable().describe("what the run waits for"),
});
/** What a run does now. */
export type Progress = z.infer<typeof Progress>;

/** A run in a list. */
export const RunSummary = z.object({
  name: z.string(),
  type: z.enum(["grpo", "sft"]).nullable().describe("null for a run that cannot be read"),
  status: RunStatus,
  error: z.string().describe("why it failed or is stuck; else empty"),
  waitingFor: z.string().describe("a part of the cluster that is away, e.g. Redis; else empty"),
  priority: z.int().describe("runs of a higher priority run first"),
  ahead: z
    .array(z.string())
    .describe("runs that are scheduled before it; empty unless it waits for the workers"),
  submittedAtMs: atMs(),
  iterationsDone: whole(),
  iterationsTotal: whole(),
  weights: WeightVersion.nullable().describe("the newest; null before the start"),
  reward: z.number().nullable().describe("mean reward of the newest iteration"),
  validation: Validation.nullable().describe("the newest"),
  bestValidation: Validation.nullable(),
  report: Validation.nullable().describe("of the weights that it ended with; null before"),
  workedSeconds: z.number().describe("time in which it worked, pauses excluded"),
  secondsLeft: z.number().nullable(),
  model: z.string().describe("folder or hub name of the model it starts from"),
  alarms: whole().describe("number of active alarms"),
});
/** A run in a list. */
export type RunSummary = z.infer<typeof RunSummary>;

/** All runs, the newest first. */
export const RunList = z.object({ runs: z.array(RunSummary) });
/** All runs. */
export type RunList = z.infer<typeof RunList>;

/** An attempt to do the run: its first start, or a resume. */
export const Attempt = z.object({
  atMs: atMs(),
  kind: z.enum(["submitted", "started", "resumed"]),
  weights: WeightVersion.nullable(),
});
/** An attempt to do the run. */
export type Attempt = z.infer<typeof Attempt>;

/** A file or task source that the run reads, with its content hash. */
export const RunInput = z.object({
  name: z.string().describe("file of the model, or field of the config"),
  file: z.string().nullable().describe("null for a generated series of tasks"),
  bytes: whole().nullable(),
  sha256: z.string(),
});
/** A file or task source that the run reads. */
export type RunInput = z.infer<typeof RunInput>;

/** A run in full. */
export const RunDetail = RunSummary.extend({
  config: z.record(z.string(), z.unknown()).nullable().describe("resolved; null if unreadable"),
  weightsDigest: z.string().nullable().describe("digest of the result, once the run is done"),
  checkpointFolder: z.string().nullable(),
  inputs: z.array(RunInput),
  attempts: z.array(Attempt),
  command: z.string().describe("a command that does this run again from its config.json"),
  updates: whole(),
  logprobGapMax: z.number().describe("largest difference of sampler and trainer so far, in nats"),
  validations: z.array(Validation),
  progress: Progress.nullable().describe("null while it does not work"),
  forecast: Forecast.nullable().describe("null before three iterations, and after the end"),
  cost: Cost.nullable().describe("null for a run of an earlier version, which measured none"),
  warnings: z.array(z.string()),
  activeAlarms: z.array(Alarm),
  kinds: z.array(GroupKind).describe("kinds of groups of which there are answers"),
  canCancel: z.boolean(),
  canResume: z.boolean(),
  lastEvent: whole().describe("number of the newest event: where a live stream may begin"),
});
/** A run in full. */
export type RunDetail = z.infer<typeof RunDetail>;
