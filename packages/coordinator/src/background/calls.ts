import type { UpdateRules } from "@gumshoe/grpo";

import type { TrainingBatch } from "../learn/training-batch.js";

/** The methods of the coordinator's second thread. */
export interface BackgroundCalls {
  /** Writes a blob durably; `name` is the SHA-256 of the bytes. */
  writeBlob: { argument: { folder: string; name: string; bytes: Uint8Array }; answer: void };
  /** Returns the SHA-256 of a file. */
  hashFile: { argument: string; answer: string };
  /** Reads the groups of an iteration and plans its updates. */
  planUpdates: { argument: SampledGroups; answer: TrainingBatch };
}

/** The groups of an iteration in task order, and the rules by which its updates are planned. */
export interface SampledGroups {
  /** Folder of the blobs. */
  readonly folder: string;
  /** Name of each group's blob, its SHA-256. */
  readonly blobs: readonly string[];
  /** Tokens of all prompts, one after the other: little-endian int32. */
  readonly promptTokens: Uint8Array;
  /** Number of tokens in each group's prompt. */
  readonly promptLengths: readonly number[];
  readonly rules: UpdateRules;
}
