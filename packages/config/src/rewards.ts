import { z } from "zod";

/** Most rewards of one answer. */
const MAX_REWARDS = 20;

const Weights = z
  .record(
    z.string().regex(/^[A-Za-z_][\w-]{0,63}$/, "is no name of a reward"),
    z.number().min(-1e6).max(1e6),
  )
  .refine((weights) => {
    const { length } = Object.keys(weights);
    return length >= 1 && length <= MAX_REWARDS;
  }, `must name 1 to ${MAX_REWARDS} rewards`)
  .refine((weights) => Object.values(weights).some((weight) => weight !== 0), "are all 0");

/** How the rewards of an answer, one by name each, become one number and an advantage. */
export const RewardsConfig = z.strictObject({
  weights: Weights.describe(
    "weight of each reward, by name; an answer's reward is the sum of its rewards by weight",
  ),
  aggregation: z
    .enum(["sum-then-normalize", "normalize-then-sum"])
    .default("sum-then-normalize")
    .describe(
      "what advantages are computed from: the weighted sum, or each reward by itself (GDPO), added up by weight",
    ),
});
/** How the rewards of an answer become one number and an advantage. */
export type RewardsConfig = z.infer<typeof RewardsConfig>;
