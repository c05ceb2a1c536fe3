import { z } from "zod";

import { runName, WeightVersion, whole, wholeText } from "./fields.js";

/** A file of a checkpoint. */
export const CheckpointFile = z.object({
  name: z.string(),
  bytes: whole(),
  sha256: z.string(),
  path: z.string().describe("where it is downloaded: a path of this server"),
});
/** A file of a checkpoint. */
export type CheckpointFile = z.infer<typeof CheckpointFile>;

/** A checkpoint on disk: a model folder in the format of Transformers. */
export const Checkpoint = z.object({
  iteration: whole().describe("iterations done when it was written"),
  weights: WeightVersion,
  latest: z.boolean(),
  best: z.boolean().describe("by validation"),
  reward: z.number().nullable().describe("of its validation; null for none"),
  bytes: whole().describe("of all its files"),
  folder: z.string().describe("on the machine of the coordinator"),
  files: z.array(CheckpointFile),
});
/** A checkpoint on disk. */
export type Checkpoint = z.infer<typeof Checkpoint>;

/** The checkpoints on disk, the newest first. */
export const CheckpointList = z.object({
  checkpoints: z.array(Checkpoint),
  downloadCommand: z.string().describe("a command that downloads the best one"),
});
/** The checkpoints on disk. */
export type CheckpointList = z.infer<typeof CheckpointList>;

/** Path of a checkpoint's file. */
export const CheckpointPath = z.object({
  run: runName(),
  iteration: wholeText(),
  file: z.string().min(1).max(255),
});
/** Path of a checkpoint's file. */
export type CheckpointPath = z.infer<typeof CheckpointPath>;
