import { z } from "zod";

import { count } from "./fields.js";

/** The matrices of a layer that an adapter can change, by their names in Transformers. */
const TARGETS = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;

/** A LoRA adapter that is trained instead of the model's own weights, which stay as they are. */
export const LoraConfig = z.strictObject({
  rank: count(1, 65_536)
    .default(16)
    .describe("rank of the two factors of each matrix; at most the model's width"),
  alpha: z
    .number()
    .gt(0)
    .max(1_000_000)
    .default(32)
    .describe("the adapter's output is multiplied by alpha / rank"),
  targets: z
    .array(z.enum(TARGETS))
    .min(1)
    .max(TARGETS.length)
    .default([...TARGETS])
    .refine((targets) => new Set(targets).size === targets.length, "must name each matrix once")
    .describe("matrices of every layer that are adapted"),
});
/** A LoRA adapter. */
export type LoraConfig = z.infer<typeof LoraConfig>;

/** The field of every run. */
export const LORA_FIELD = LoraConfig.nullable()
  .default(null)
  .describe("trains a LoRA adapter and freezes the model's own weights; null trains all weights");
