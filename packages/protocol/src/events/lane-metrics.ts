import { z } from "zod";

/** Longest name of a group, in characters. */
const MAX_GROUP_KEY = 200;

const Count = z.int().min(0);

/** A sum; null is what JSON makes of one that is not finite, which ends the run as diverged. */
const Sum = z.unknown().transform((value, context): number => {
  if (typeof value === "number") return value;
  if (value === null) return Number.NaN;
  context.addIssue({ code: "custom", message: "must be a number" });
  return z.NEVER;
});

/** The sums that a trainer reports of a lane. */
export const LaneMetrics = z.object({
  loss: Sum,
  numTokens: Count,
  numAnswers: Count,
  numClippedLow: Count,
  numClippedHigh: Count,
  ratioSum: Sum,
  policyKlSum: Sum,
  referenceKlSum: Sum,
  entropySum: Sum,
  logprobGapMax: Sum,
  logprobGapAt: z
    .object({ groupKey: z.string().max(MAX_GROUP_KEY), rollout: Count, token: Count })
    .nullable(),
});
/** The sums that a trainer reports of a lane. */
export type LaneMetrics = z.infer<typeof LaneMetrics>;
