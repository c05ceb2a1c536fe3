import { z } from "zod";

/** A count, an index or a size: a whole number from 0. */
export const whole = () => z.int().min(0);

/** A point in time: milliseconds since the epoch. */
export const atMs = () => z.number().describe("milliseconds since the epoch");

/** Name of a run in a path. */
export const runName = () =>
  z
    .string()
    .min(1)
    .max(100)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
    .describe("name of the run");

/** A whole number in a path or a query. */
export const wholeText = (most = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(0).max(most);

/** A number in a query. */
export const numberText = () => z.coerce.number().refine(Number.isFinite, "is no number");

/** `true` or `false` in a query. */
export const flagText = () => z.enum(["true", "false"]).transform((text) => text === "true");

/** The position at which the next page of a list begins, as the previous page gave it. */
export const cursorText = () =>
  z
    .string()
    .max(100)
    .regex(/^[0-9.]*$/)
    .describe("`next` of the previous page");

/** The kind of a group: answers that are learned from, or those of a validation or of the report. */
export const GroupKind = z.enum(["train", "validation", "report"]);
/** The kind of a group. */
export type GroupKind = z.infer<typeof GroupKind>;

/** A mean reward with its 95 % confidence interval, and the number of tasks it rests on. */
export const Interval = z
  .object({ reward: z.number(), low: z.number(), high: z.number(), count: whole() })
  .describe("mean reward, its 95 % confidence interval, and its number of tasks");
/** A mean reward with its 95 % confidence interval. */
export type Interval = z.infer<typeof Interval>;

/** One validation of a run. */
export const Validation = Interval.extend({
  iteration: whole().describe("iterations done before it; 0 for the initial model"),
  greedy: Interval.nullable().describe("the greedy answers; null when the run grades none"),
  unscored: whole().describe("answers that could not be scored, and are in no mean"),
  randomGuess: z.number().describe("mean reward of guessing among the listed names"),
  atMs: atMs().nullable(),
});
/** One validation of a run. */
export type Validation = z.infer<typeof Validation>;

/** A version of the weights: the number of updates in it, and the hash of its content. */
export const WeightVersion = z.object({ version: whole(), digest: z.string() });
/** A version of the weights. */
export type WeightVersion = z.infer<typeof WeightVersion>;
