import { type RunConfig } from "@gumshoe/config";
import { type RolloutCounts } from "@gumshoe/grpo";
import { tokenCount } from "@gumshoe/protocol";

import { type GroupPlan } from "../plan/group-planner.js";
import { type RunRecord } from "../run/run-record.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/**
 * What one iteration learns: the packs of its updates, and counts of its rollouts; null for type sft. Packs
 * are encoded: thousands of objects would take longer to pass between threads than to make.
 */
export interface TrainingBatch {
  /** Per update its lanes, each the bytes of a `Lane` that has packs and nothing else. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts | null;
}

/** Makes the updates of an iteration from its groups: a pure function of what was sampled. */
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
