import { type UpdateRules } from "@gumshoe/grpo";

import { type TrainingBatch } from "../learn/training-batch.js";

/** The calls that the coordinator's second thread answers. */
export interface BackgroundCalls {
  /** Writes a blob durably; `name` is the SHA-256 of the bytes. */
  writeBlob: { argument: { folder: string; name: string; bytes: Uint8Array }; answer: void };
  /** Answers the SHA-256 of a file. */
  hashFile: { argument: string; answer: string };
  /** Reads the groups of an iteration and plans its updates. */
  planUpdates: { argument: SampledGroups; answer: TrainingBatch };
}

/** The groups of an iteration in task order, and the rules that make updates of them. */
export interface SampledGroups {
  /** Folder of the blobs. */
  readonly folder: string;
  /** Name of each group's blob. */
  readonly blobs: readonly string[];
  /** Tokens of all prompts, one after the other: little-endian int32. */
  readonly promptTokens: Uint8Array;
  /** Tokens of each group's prompt. */
  readonly promptLengths: readonly number[];
  readonly rules: UpdateRules;
}
