import { type LossConfig, type RolloutCounts, type TrainingLoss } from "@gumshoe/grpo";
import { type RunConfig } from "@gumshoe/config";

import { type GroupPlan } from "../plan/group-planner.js";
import { type RunRecord } from "../run/run-record.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/** What one iteration learns: the packs of its updates, and counts of its rollouts. */
export interface TrainingBatch {
  /** Per update its lanes, per lane its encoded packs. */
  readonly updates: readonly (readonly Uint8Array[])[];
  readonly counts: RolloutCounts | null;
}

/** The loss that a run's gradient jobs compute. */
export function lossOf(config: RunConfig): TrainingLoss {
  if (config.type === "sft") return { policy: "cross-entropy" };
  const { truncated: _truncated, ...loss } = config.loss;
  return loss satisfies LossConfig;
}

/** Makes the updates of an iteration from its groups: a pure function of what was sampled. */
export async function batchFromGroups(
  record: RunRecord,
  config: GrpoConfig,
  plans: readonly GroupPlan[],
): Promise<TrainingBatch> {
  const promptLengths = Int32Array.from(plans, ({ promptTokens }) => promptTokens.length);
  const promptTokens = new Int32Array(promptLengths.reduce((sum, length) => sum + length, 0));
  let next = 0;
  for (const plan of plans) {
    promptTokens.set(plan.promptTokens, next);
    next += plan.promptTokens.length;
  }
  return record.planUpdates({
    blobs: plans.map(({ groupKey }) => record.state.groups.get(groupKey) ?? ""),
    promptTokens,
    promptLengths,
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
