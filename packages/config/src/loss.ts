import { z } from "zod";

import { count } from "./fields.js";

/** Aggregation of an update's token losses. */
export const AggregationConfig = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("sequence-mean").describe("mean over an answer's tokens, then over answers"),
  }),
  z.strictObject({ type: z.literal("token-mean").describe("mean over all tokens") }),
  z.strictObject({
    type: z.literal("token-sum-fixed").describe("sum over all tokens, divided by a constant"),
    divisor: z.number().positive().describe("divisor of the sum over all tokens"),
  }),
]);
/** Aggregation of an update's token losses. */
export type AggregationConfig = z.infer<typeof AggregationConfig>;

/** Lowers the reward of answers that come close to the length limit. */
export const OverlongConfig = z.strictObject({
  bufferTokens: count(1, 131_072).describe(
    "tokens before rollouts.maxAnswerTokens in which the penalty grows linearly, from 0",
  ),
  penalty: z
    .number()
    .gt(0)
    .max(1000)
    .default(1)
    .describe("subtracted from the reward of an answer of rollouts.maxAnswerTokens tokens"),
});
/** Lowers the reward of answers that come close to the length limit. */
export type OverlongConfig = z.infer<typeof OverlongConfig>;

/**
 * The loss: the fields of the grpo package's `LossConfig`, and the treatment of long and truncated
 * answers.
 */
export const LossSettings = z
  .strictObject({
    policy: z
      .enum(["clip", "gspo", "cispo", "sapo"])
      .default("clip")
      .describe("loss of a token as a function of the ratio of new to old probability"),
    clipLow: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.2)
      .describe("lower clip bound of the ratio is 1 - clipLow"),
    clipHigh: z
      .number()
      .gt(0)
      .max(10)
      .default(0.2)
      .describe("upper clip bound of the ratio is 1 + clipHigh"),
    twoSided: z
      .number()
      .gt(1)
      .nullable()
      .default(null)
      .describe(
        "upper bound of the ratio for negative advantages, above 1 + clipHigh; only for policy clip, null for none",
      ),
    ratioCap: z.number().gt(0).default(1.28).describe("upper bound of the detached ratio (cispo)"),
    temperaturePositive: z
      .number()
      .gt(0)
      .default(1)
      .describe("temperature of the gate for positive advantages (sapo)"),
    temperatureNegative: z
      .number()
      .gt(0)
      .default(1.05)
      .describe("temperature of the gate for negative advantages (sapo)"),
    klCoefficient: z
      .number()
      .min(0)
      .max(1000)
      .default(0)
      .describe(
        "weight of the divergence from the reference, the weights that the run starts from; 0 for none",
      ),
    klEstimator: z
      .enum(["k1", "k2", "k3"])
      .default("k3")
      .describe("estimator of the divergence, a function of each token's two log-probs"),
    entropyCoefficient: z.number().min(0).default(0).describe("weight of the entropy bonus"),
    truncatedImportanceSampling: z
      .number()
      .gt(0)
      .nullable()
      .default(null)
      .describe(
        "upper bound of the trainer-to-sampler ratio that weighs each token; only with staleness, null for none",
      ),
    aggregation: AggregationConfig.default({ type: "sequence-mean" }).describe(
      "how token losses become one number",
    ),
    truncated: z
      .enum(["keep", "mask"])
      .default("keep")
      .describe("whether answers cut off by the length limit are trained on"),
    overlong: OverlongConfig.optional().describe(
      "lowers the reward of long answers before advantages are computed; left out: rewards stay as graded",
    ),
  })
  .superRefine((loss, context) => {
    if (loss.twoSided !== null && loss.policy !== "clip") {
      context.addIssue({ code: "custom", path: ["twoSided"], message: "needs policy: clip" });
    } else if (loss.twoSided !== null && loss.twoSided <= 1 + loss.clipHigh) {
      context.addIssue({
        code: "custom",
        path: ["twoSided"],
        message: `must be above 1 + clipHigh = ${1 + loss.clipHigh}`,
      });
    }
  });
/**
 * The loss: the fields of the grpo package's `LossConfig`, and the treatment of long and truncated
 * answers.
 */
export type LossSettings = z.infer<typeof LossSettings>;
