import type { RunConfig } from "@gumshoe/config";
import { tokenCount } from "@gumshoe/protocol";

import type { GroupPlan } from "../plan/group-planner.js";
import type { RunRecord } from "../run/run-record.js";
import { decoupledWeights } from "./decoupled-weights.js";
import { overlongRule } from "./overlong-rule.js";
import type { TrainingBatch } from "./training-batch.js";

type GrpoConfig = Extract<RunConfig, { type: "grpo" }>;

/** Makes the updates of an iteration from its groups; a pure function of the samples. */
export async function batchFromGroups(
  record: RunRecord,
  config: GrpoConfig,
  { iteration, plans }: { readonly iteration: number; readonly plans: readonly GroupPlan[] },
): Promise<TrainingBatch> {
  return record.planUpdates({
    blobs: plans.map(({ groupKey }) => record.state.groups.get(groupKey) ?? ""),
    promptTokens: Buffer.concat(plans.map(({ promptTokens }) => promptTokens)),
    promptLengths: plans.map(({ promptTokens }) => tokenCount(promptTokens)),
    rules: {
      advantage: config.advantage,
      truncated: config.loss.truncated,
      decoupled: decoupledWeights(config),
      aggregation: config.loss.aggregation,
      updatesPerIteration: config.updatesPerIteration,
      lanes: config.lanes,
      maxPackTokens: config.maxPackTokens,
      overlong: overlongRule(config),
      rewardShuffle: config.shuffleRewards ? { seed: config.seed, iteration } : null,
    },
  });
}
