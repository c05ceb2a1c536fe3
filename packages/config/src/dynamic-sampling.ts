import { z } from "zod";

import { count } from "./fields.js";

/** Samples further tasks in place of groups that have no gradient, because all rewards are equal. */
export const DynamicSamplingConfig = z.strictObject({
  maxReplacements: count(1, 65_536)
    .default(16)
    .describe("most groups that an iteration samples in place of others"),
});
/** Samples further tasks in place of groups that have no gradient. */
export type DynamicSamplingConfig = z.infer<typeof DynamicSamplingConfig>;
