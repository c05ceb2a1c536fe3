import { z } from "zod";

import { count } from "./fields.js";
import { TIERS } from "./task-source.js";

const share = z.number().min(0).max(1);

/** Moves a run through tiers, depending on the rewards of earlier iterations. */
export const CurriculumConfig = z
  .strictObject({
    tiers: z
      .array(z.enum(TIERS))
      .min(2)
      .max(TIERS.length)
      .refine((tiers) => new Set(tiers).size === tiers.length, "has a tier twice")
      .describe("sizes of the cases, from the first tier of the run to the last"),
    promoteAt: share.default(0.7).describe("mean reward at which the run moves to the next tier"),
    demoteAt: share
      .default(0.3)
      .describe("mean reward at which the run moves to the previous tier; below promoteAt"),
    window: count(1, 10_000).default(5).describe("number of newest iterations averaged"),
  })
  .refine(({ demoteAt, promoteAt }) => demoteAt < promoteAt, {
    path: ["demoteAt"],
    message: "must be below promoteAt",
  });
/** Moves a run through tiers. */
export type CurriculumConfig = z.infer<typeof CurriculumConfig>;
