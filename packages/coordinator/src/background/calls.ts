import { type RolloutCounts, type UpdateRules } from "@gumshoe/grpo";

/** The calls that the coordinator's second thread answers. */
export interface BackgroundCalls {
  /** Writes a blob durably; `name` is the SHA-256 of the bytes. */
  writeBlob: { argument: { folder: string; name: string; bytes: Uint8Array }; answer: void };
  /** Answers the SHA-256 of a file. */
  hashFile: { argument: string; answer: string };
  /** Reads the groups of an iteration and plans its updates. */
  planUpdates: { argument: SampledGroups; answer: EncodedPlan };
}

/** The groups of an iteration in task order, and the rules that make updates of them. */
export interface SampledGroups {
  /** Folder of the blobs. */
  readonly folder: string;
  /** Name of each group's blob. */
  readonly blobs: readonly string[];
  /** Tokens of all prompts, one after the other. */
  readonly promptTokens: Int32Array<ArrayBuffer>;
  /** Tokens of each group's prompt. */
  readonly promptLengths: Int32Array;
  readonly rules: UpdateRules;
}

/** An UpdatePlan whose lanes are encoded: thousands of packs would take longer to copy than to plan. */
export interface EncodedPlan {
  /** Per update its lanes, each the bytes of a Lane that has packs and nothing else. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts;
}
