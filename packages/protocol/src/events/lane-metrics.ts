import { z } from "zod";

/** Longest name of a group, in characters. */
const MAX_GROUP_KEY = 200;

const Count = z.int().min(0);

/** The sums that a trainer reports of a lane: finite numbers, so that what is kept of them can be read again. */
export const LaneMetrics = z.object({
  loss: z.number(),
  numTokens: Count,
  numAnswers: Count,
  numClippedLow: Count,
  numClippedHigh: Count,
  ratioSum: z.number(),
  policyKlSum: z.number(),
  referenceKlSum: z.number(),
  entropySum: z.number(),
  logprobGapMax: z.number().min(0),
  logprobGapAt: z
    .object({ groupKey: z.string().max(MAX_GROUP_KEY), rollout: Count, token: Count })
    .nullable(),
});
/** The sums that a trainer reports of a lane. */
export type LaneMetrics = z.infer<typeof LaneMetrics>;
