import { z } from "zod";

import { whole } from "./fields.js";

/** How long a run will still take, from the median of its recent iterations. */
export const Forecast = z.object({
  secondsPerIteration: z
    .number()
    .describe("median over recent iterations, without the share of validations"),
  secondsPerValidation: z.number().nullable().describe("null before the first validation"),
  basedOn: whole().describe("iterations that the median rests on"),
  secondsLeft: z.number().describe("of all remaining iterations and validations"),
  endsAtMs: z.number().nullable().describe("null while the run does not work"),
});
/** How long a run will still take. */
export type Forecast = z.infer<typeof Forecast>;

/** Machine time, and what it costs. */
export const Usage = z.object({
  coreHours: z.number().describe("processor cores of the workers' machines, times hours"),
  gpuHours: z.number(),
  money: z.number().nullable().describe("null when no price is configured"),
});
/** Machine time, and what it costs. */
export type Usage = z.infer<typeof Usage>;

/** Machine time of a run so far, and expected at its end. */
export const Cost = z.object({
  soFar: Usage,
  expected: Usage.nullable().describe("at the end of the run; null before there is a forecast"),
  currency: z.string().nullable().describe("e.g. EUR; null when no price is configured"),
});
/** Machine time of a run so far, and expected at its end. */
export type Cost = z.infer<typeof Cost>;
