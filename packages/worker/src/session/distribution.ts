import type { RunConfig } from "@gumshoe/config";
import { type TokenDistribution, WHOLE_DISTRIBUTION } from "@gumshoe/engine";

/** Returns the distribution that a run's answers are sampled from and trained under. */
export function distributionOf(
  config: RunConfig,
  stopTokenIds: readonly number[],
): TokenDistribution {
  if (config.type !== "grpo") return WHOLE_DISTRIBUTION;
  const { temperature, topK, topP, minP, minAnswerTokens } = config.rollouts;
  return {
    temperature,
    topK: topK ?? null,
    topP: topP ?? 1,
    minP: minP ?? 0,
    minNewTokens: minAnswerTokens ?? 0,
    stopTokenIds,
  };
}
