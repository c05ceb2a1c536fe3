import {
  type Group,
  type LossConfig,
  type Pack,
  type RolloutCounts,
  type TrainingLoss,
  updateSteps,
} from "@gumshoe/grpo";
import { runInSlices } from "@gumshoe/core";
import { type RunConfig } from "@gumshoe/config";

import { type GroupPlan } from "../plan/group-planner.js";
import { type RunRecord } from "../run/run-record.js";
import { readGroup } from "../sample/stored-group.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/** What one iteration learns: the packs of its updates, and counts of its rollouts. */
export interface TrainingBatch {
  /** Per update its lanes, per lane its packs in order. */
  readonly updates: readonly (readonly (readonly Pack[])[])[];
  readonly counts: RolloutCounts | null;
}

/** The loss that a run's gradient jobs compute. */
export function lossOf(config: RunConfig): TrainingLoss {
  if (config.type === "sft") return { policy: "cross-entropy" };
  const { truncated: _truncated, ...loss } = config.loss;
  return loss satisfies LossConfig;
}

/** Reads the groups of an iteration and makes its updates: a pure function of what was sampled. */
export async function batchFromGroups(
  record: RunRecord,
  config: GrpoConfig,
  plans: readonly GroupPlan[],
): Promise<TrainingBatch> {
  const groups: Group[] = [];
  for (const plan of plans) {
    const blob = record.state.groups.get(plan.groupKey) ?? "";
    groups.push(readGroup(await record.blobs.get(blob), plan.promptTokens));
  }
  const steps = updateSteps(groups, {
    advantage: config.advantage,
    truncated: config.loss.truncated,
    aggregation: config.loss.aggregation,
    updatesPerIteration: config.updatesPerIteration,
    lanes: config.lanes,
    maxPackTokens: config.maxPackTokens,
  });
  const { updates, counts } = await runInSlices(steps);
  return { updates: updates.map(({ lanes }) => lanes), counts };
}
