import { z } from "zod";

import { count } from "./fields.js";

/**
 * Safe for models of all tested sizes: see docs/algorithm.md. Adam's first steps have the size of
 * the learning rate whatever the gradient, so the default is low.
 */
const DEFAULT_LR = 1e-5;

/** AdamW with decoupled weight decay, and its learning rate schedule. */
export const OptimizerConfig = z.strictObject({
  lr: z.number().positive().max(1).default(DEFAULT_LR).describe("highest learning rate"),
  beta1: z.number().min(0).lt(1).default(0.9).describe("decay of the first moment"),
  beta2: z.number().min(0).lt(1).default(0.99).describe("decay of the second moment"),
  eps: z
    .number()
    .positive()
    .max(1)
    .default(1e-8)
    .describe("term added to the root of the second moment"),
  weightDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("decoupled weight decay, multiplied by lr"),
  maxGradNorm: z
    .number()
    .positive()
    .default(1)
    .describe("largest L2 norm of the gradient; longer ones are scaled down"),
  warmupUpdates: count(0, 1e6).default(0).describe("number of updates over which lr rises from 0"),
  schedule: z
    .enum(["constant", "cosine", "linear"])
    .default("constant")
    .describe("change of lr after the warm-up; cosine and linear end at 0"),
});
/** AdamW with decoupled weight decay, and its learning rate schedule. */
export type OptimizerConfig = z.infer<typeof OptimizerConfig>;
