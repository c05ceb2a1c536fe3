/**
 * Messages of the server-sent event streams. Their `event` is the key here, their `data` JSON of that
 * schema.
 *
 * - The stream of a run, `/api/runs/{run}/live`, gives `run` first. Messages that belong to an event
 *   of the ledger have its number as `id`; a browser sends the last one as `Last-Event-ID` when it
 *   reconnects, and gets what it missed. `?after=NUMBER` is the same for the first connection.
 * - When more was missed than is worth sending, `reset` says so: read everything again.
 * - Messages without `id` are the newest state of something, and replace what came before.
 * - The stream of the cluster, `/api/live`, has `runs`, `fleet` and `alarms` only, and no ids.
 */
import { z } from "zod";

import { Alarm } from "./alarm.js";
import { RunEventItem } from "./event.js";
import { Validation, whole } from "./fields.js";
import { Fleet } from "./fleet.js";
import { GroupRow } from "./group.js";
import { Progress, RunDetail, RunSummary } from "./run.js";
import { IterationMetrics } from "./series.js";

/** Messages of the stream of one run, by name. */
export const RunMessages = {
  /** The run, without config, inputs and validations; whenever its state changes. */
  run: RunDetail,
  progress: Progress,
  group: GroupRow,
  iteration: IterationMetrics,
  validation: Validation,
  event: RunEventItem,
  alarms: z.object({ alarms: z.array(Alarm) }).describe("active alarms of this run"),
  fleet: Fleet,
  reset: z.object({ lastEvent: whole() }),
} as const;
/** Name of a message in the stream of one run. */
export type RunMessageName = keyof typeof RunMessages;

/** Messages of the stream of the cluster, by name. */
export const ClusterMessages = {
  runs: z.object({ runs: z.array(RunSummary) }),
  alarms: z.object({ alarms: z.array(Alarm) }).describe("active alarms of all runs"),
  fleet: Fleet,
} as const;
/** Name of a message in the stream of the cluster. */
export type ClusterMessageName = keyof typeof ClusterMessages;

/** Where the stream of a run begins. */
export const LiveQuery = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .describe("events after this number; default: new ones"),
});
/** Where the stream of a run begins. */
export type LiveQuery = z.infer<typeof LiveQuery>;
