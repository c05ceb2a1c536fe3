import { z } from "zod";

import { count } from "./fields.js";

/** How the weights of checkpoints are stored; `model`: as in the folder that the run starts from. */
const CHECKPOINT_DTYPES = ["model", "float32", "bfloat16", "float16"] as const;

/** When weights are written to disk, and which are kept. The last iteration is always written. */
export const CheckpointConfig = z.strictObject({
  every: count(1, 1_000_000).default(10).describe("iterations between two checkpoints"),
  keepLatest: count(1, 1000).default(2).describe("newest checkpoints that are kept"),
  keepBest: z.boolean().default(true).describe("whether the best by validation is kept too"),
  dtype: z
    .enum(CHECKPOINT_DTYPES)
    .default("model")
    .describe("how weights are stored; model: as in the model's folder, adapters as float32"),
});
/** Interval and retention of checkpoints. */
export type CheckpointConfig = z.infer<typeof CheckpointConfig>;
