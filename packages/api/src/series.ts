import { z } from "zod";

import { Validation, whole, wholeText } from "./fields.js";

/** Sections of a page in which metrics belong together. */
export const MetricSection = z.enum([
  "reward",
  "answers",
  "policy",
  "optimizer",
  "environment",
  "speed",
  "other",
]);
/** Section of a metric. */
export type MetricSection = z.infer<typeof MetricSection>;

/**
 * One metric through the iterations. With `every` above 1 a value is the mean of its bucket's
 * iterations, and `min` and `max` are their extremes. null: no iteration of the bucket has it.
 */
export const SeriesColumn = z.object({
  name: z.string().describe("as in metrics.jsonl"),
  title: z.string(),
  unit: z.string().describe("e.g. nats, tokens, s; empty for none"),
  section: MetricSection,
  values: z.array(z.number().nullable()),
  min: z.array(z.number().nullable()).optional().describe("absent when every is 1"),
  max: z.array(z.number().nullable()).optional().describe("absent when every is 1"),
});
/** One metric through the iterations. */
export type SeriesColumn = z.infer<typeof SeriesColumn>;

/** The metrics of a run, column by column, down-sampled to buckets of `every` iterations. */
export const Series = z.object({
  run: z.string(),
  every: z.int().min(1).describe("iterations in a bucket; the last may hold fewer"),
  iterationsDone: whole(),
  iterations: z.array(whole()).describe("first iteration of each bucket"),
  endedAtMs: z.array(z.number().nullable()).describe("when the last iteration of the bucket ended"),
  workedSeconds: z.array(z.number()).describe("time worked until then, pauses excluded"),
  columns: z.array(SeriesColumn),
  validations: z.array(Validation).describe("all of them"),
});
/** The metrics of a run, column by column. */
export type Series = z.infer<typeof Series>;

/** Part of a run's metrics that is wanted. */
export const SeriesQuery = z.object({
  from: wholeText().optional().describe("first iteration; default 0"),
  to: wholeText().optional().describe("last iteration; default: the newest"),
  points: wholeText(5000)
    .optional()
    .describe("most buckets; default 1000. Fewer iterations than that are not down-sampled"),
  names: z.string().max(2000).optional().describe("comma-separated metrics; default: all"),
});
/** Part of a run's metrics that is wanted. */
export type SeriesQuery = z.infer<typeof SeriesQuery>;

/** The metrics of one iteration, as `metrics.jsonl` has them. */
export const IterationMetrics = z.object({
  iteration: whole(),
  endedAtMs: z.number().nullable(),
  workedSeconds: z.number(),
  metrics: z.record(z.string(), z.number()),
});
/** The metrics of one iteration. */
export type IterationMetrics = z.infer<typeof IterationMetrics>;
