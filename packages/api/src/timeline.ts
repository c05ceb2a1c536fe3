import { z } from "zod";

import { whole } from "./fields.js";

/** What a worker did in a span of an iteration. The rest of its time it was idle. */
export const SpanKind = z.enum(["sampling", "grading", "learning", "reducing", "checkpoint"]);
/** What a worker did in a span of an iteration. */
export type SpanKind = z.infer<typeof SpanKind>;

/** One span of work. Spans of one worker may overlap: it samples several groups in one batch. */
export const Span = z.object({
  kind: SpanKind,
  fromMs: z.number().describe("since the start of the iteration"),
  toMs: z.number(),
  job: z.string().describe("key of the group or lane; empty for none"),
});
/** One span of work. */
export type Span = z.infer<typeof Span>;

/** The work of one worker in an iteration. */
export const WorkerTimeline = z.object({
  workerId: z.string(),
  role: z.string(),
  host: z.string().nullable().describe("null for a worker that is no longer known"),
  device: z.string().nullable(),
  busyShare: z.number().describe("time with at least one span, by the length of the iteration"),
  spans: z.array(Span),
});
/** The work of one worker in an iteration. */
export type WorkerTimeline = z.infer<typeof WorkerTimeline>;

/** A phase of an iteration, as the coordinator saw it. */
export const Phase = z.object({
  phase: z.enum(["sampling", "learning", "checkpoint", "other"]),
  fromMs: z.number(),
  toMs: z.number(),
});
/** A phase of an iteration. */
export type Phase = z.infer<typeof Phase>;

/** Where the time of an iteration went. */
export const Timeline = z.object({
  iteration: whole(),
  startedAtMs: z.number(),
  lengthMs: z.number(),
  complete: z.boolean().describe("false for the iteration in progress"),
  phases: z.array(Phase),
  workers: z.array(WorkerTimeline),
});
/** Where the time of an iteration went. */
export type Timeline = z.infer<typeof Timeline>;
