import { z } from "zod";

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

/**
 * The loss: the fields of the grpo package's `LossConfig`, and the treatment of truncated answers.
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
      .default(0)
      .describe(
        "weight of the divergence from a reference; must be 0: runs have no reference model yet",
      ),
    klEstimator: z.enum(["k1", "k2", "k3"]).default("k3").describe("estimator of the divergence"),
    entropyCoefficient: z.number().min(0).default(0).describe("weight of the entropy bonus"),
    truncatedImportanceSampling: z
      .number()
      .gt(0)
      .nullable()
      .default(null)
      .describe("upper bound of the trainer-to-sampler ratio; must be null: the ratio is always 1"),
    aggregation: AggregationConfig.default({ type: "sequence-mean" }).describe(
      "how token losses become one number",
    ),
    truncated: z
      .enum(["keep", "mask"])
      .default("keep")
      .describe("whether answers cut off by the length limit are trained on"),
  })
  .superRefine((loss, context) => {
    if (loss.klCoefficient > 0) {
      context.addIssue({
        code: "custom",
        path: ["klCoefficient"],
        message: "must be 0: runs have no reference model yet",
      });
    }
    if (loss.truncatedImportanceSampling !== null) {
      context.addIssue({
        code: "custom",
        path: ["truncatedImportanceSampling"],
        message: "must be null: sampler and trainer agree bit for bit, so the ratio is always 1",
      });
    }
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
 * The loss: the fields of the grpo package's `LossConfig`, and the treatment of truncated answers.
 */
export type LossSettings = z.infer<typeof LossSettings>;
