import { z } from "zod";

/** Which activations a trainer keeps for the backward pass. The result is the same, bit for bit. */
export const CheckpointingChoice = z.enum(["auto", "none", "layer"]);
/** Which activations a trainer keeps for the backward pass. */
export type CheckpointingChoice = z.infer<typeof CheckpointingChoice>;

/** The field of every run. */
export const CHECKPOINTING_FIELD = CheckpointingChoice.default("auto").describe(
  "activations that a trainer keeps: `none` keeps all, `layer` computes each layer again (slower, less memory), " +
    "`auto` does so where memory is short; no bit of the result depends on it",
);
