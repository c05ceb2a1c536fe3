import type { RunConfig } from "@gumshoe/config";
import type { RewardWeights } from "@gumshoe/grpo";

/** Returns the weights of a run's rewards where each is normalised by itself; null where their sum is. */
export function decoupledWeights(config: RunConfig): RewardWeights | null {
  if (config.type !== "grpo" || config.tasks.rewards === undefined) return null;
  const { aggregation, weights } = config.tasks.rewards;
  return aggregation === "normalize-then-sum" ? weights : null;
}
