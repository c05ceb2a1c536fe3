import { z } from "zod";

import { atMs, whole, wholeText } from "./fields.js";

/** Events that are drawn on a run's axis and listed in its history. */
export const RunEventKind = z.enum([
  "submitted",
  "forked",
  "started",
  "resumed",
  "paused",
  "prioritized",
  "checkpoint",
  "validation",
  "report",
  "tier",
  "worker-lost",
  "worker-ended",
  "warning",
  "done",
  "failed",
  "stuck",
  "cancelled",
]);
/** Kind of an event. */
export type RunEventKind = z.infer<typeof RunEventKind>;

/** One event of a run's ledger, in words. */
export const RunEventItem = z.object({
  number: whole().describe("number in the ledger, from 1"),
  atMs: atMs(),
  kind: RunEventKind,
  iteration: whole().describe("iterations done when it happened: its place on the axis"),
  workedSeconds: z.number().describe("time worked until then"),
  text: z.string(),
});
/** One event of a run's ledger, in words. */
export type RunEventItem = z.infer<typeof RunEventItem>;

/** Events of a run, the oldest first. */
export const RunEvents = z.object({
  events: z.array(RunEventItem),
  next: z.string().nullable().describe("`cursor` of the next page; null at the end"),
});
/** Events of a run. */
export type RunEvents = z.infer<typeof RunEvents>;

/** Which events are wanted. */
export const RunEventsQuery = z.object({
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .describe("`next` of the previous page"),
  limit: wholeText(1000).optional().describe("most events; default 500"),
});
/** Which events are wanted. */
export type RunEventsQuery = z.infer<typeof RunEventsQuery>;
