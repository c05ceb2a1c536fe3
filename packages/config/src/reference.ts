import { z } from "zod";

import { count } from "./fields.js";

/** The reference of the divergence in the loss, beyond the weights that a run starts from. */
export const ReferenceConfig = z.strictObject({
  refreshEvery: count(1, 1_000_000).describe(
    "iterations after which the newest weights become the reference; each is written as a checkpoint",
  ),
});
/** The reference of the divergence in the loss. */
export type ReferenceConfig = z.infer<typeof ReferenceConfig>;
