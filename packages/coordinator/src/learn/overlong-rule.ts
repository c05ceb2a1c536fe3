import type { RunConfig } from "@gumshoe/config";
import type { OverlongRule } from "@gumshoe/grpo";

/** Returns a run's length penalty; null for none. */
export function overlongRule(config: RunConfig): OverlongRule | null {
  if (config.type !== "grpo" || config.loss.overlong === undefined) return null;
  return { maxAnswerTokens: config.rollouts.maxAnswerTokens, ...config.loss.overlong };
}
