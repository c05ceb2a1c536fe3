import { z } from "zod";

import { count } from "./fields.js";

/** Interval and retention of checkpoints. The last iteration always writes one. */
export const CheckpointConfig = z.strictObject({
  every: count(1, 1_000_000).default(10).describe("iterations between two checkpoints"),
  keepLatest: count(1, 1000).default(2).describe("newest checkpoints that are kept"),
  keepBest: z.boolean().default(true).describe("whether the best by validation is kept too"),
});
/** Interval and retention of checkpoints. */
export type CheckpointConfig = z.infer<typeof CheckpointConfig>;
