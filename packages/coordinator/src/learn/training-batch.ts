import { type RunConfig } from "@gumshoe/config";
import { type RolloutCounts } from "@gumshoe/grpo";
import { tokenCount } from "@gumshoe/protocol";

import { type GroupPlan } from "../plan/group-planner.js";
import { type RunRecord } from "../run/run-record.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/**
 * The training data of one iteration: the packs of its updates, and counts of its rollouts; null
 * for type sft. Packs are encoded, because structured-cloning thousands of objects between threads
 * takes longer than making them.
 */
export interface TrainingBatch {
  /** The lanes of each update, each an encoded `Lane` with packs only. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts | null;
}

/** Makes the updates of an iteration from its groups; a pure function of the samples. */
export async function batchFromGroups(
  record: RunRecord,
  config: GrpoConfig,
  plans: readonly GroupPlan[],
): Promise<TrainingBatch> {
  return record.planUpdates({
    blobs: plans.map(({ groupKey }) => record.state.groups.get(groupKey) ?? ""),
    promptTokens: Buffer.concat(plans.map(({ promptTokens }) => promptTokens)),
    promptLengths: plans.map(({ promptTokens }) => tokenCount(promptTokens)),
    rules: {
      advantage: config.advantage,
      truncated: config.loss.truncated,
      aggregation: config.loss.aggregation,
      updatesPerIteration: config.updatesPerIteration,
      lanes: config.lanes,
      maxPackTokens: config.maxPackTokens,
    },
  });
}
