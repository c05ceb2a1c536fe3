import { z } from "zod";

import { atMs, whole } from "./fields.js";

/** Kinds of alarms. */
export const AlarmKind = z.enum([
  "validation-falls",
  "entropy-collapses",
  "lengths-run-away",
  "all-groups-equal",
  "worker-dies-again",
  "nothing-moves",
]);
/** Kind of an alarm. */
export type AlarmKind = z.infer<typeof AlarmKind>;

/** A sign that a run may waste its time. An alarm does not change the run. */
export const Alarm = z.object({
  run: z.string(),
  kind: AlarmKind,
  message: z.string().describe("what is seen, and what to do"),
  iteration: whole().describe("iteration in which it began"),
  sinceMs: atMs(),
  endedAtMs: atMs().nullable().describe("null while it is active"),
});
/** A sign that a run may waste its time. */
export type Alarm = z.infer<typeof Alarm>;

/** The alarms of all runs, the newest first. */
export const AlarmList = z.object({ alarms: z.array(Alarm) });
/** The alarms of all runs. */
export type AlarmList = z.infer<typeof AlarmList>;
