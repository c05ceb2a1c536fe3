import { z } from "zod";

import { count } from "./fields.js";

/** When checkpoints are written, and which are kept. The last iteration always writes one. */
export const CheckpointConfig = z.strictObject({
  every: count(1, 1_000_000).default(10).describe("iterations between two checkpoints"),
  keepLatest: count(1, 1000).default(2).describe("number of newest checkpoints kept"),
  keepBest: z
    .boolean()
    .default(true)
    .describe("whether to keep the best checkpoint by validation, too"),
});
/** When weights are written to disk, and which are kept. */
export type CheckpointConfig = z.infer<typeof CheckpointConfig>;
