import { InvalidArgumentError } from "@gumshoe/core";
import type { RunConfig } from "@gumshoe/config";
import type { GroupKind } from "@gumshoe/protocol";

/** The limits of a task's prompt and answer, in tokens. */
export interface TokenBudget {
  /** Number of the model's positions: `max_position_embeddings`. */
  readonly maxPositions: number;
  /** Size of one pack; null for tasks that are not trained on. */
  readonly maxPackTokens: number | null;
  readonly maxAnswerTokens: number;
  /** Config path of `maxAnswerTokens`, for errors. */
  readonly answerField: string;
}

/** Returns the budget of a run's training or held-out tasks. */
export function tokenBudget(config: RunConfig, kind: GroupKind, maxPositions: number): TokenBudget {
  const isLearnt = kind === "train";
  return {
    maxPositions,
    maxPackTokens: isLearnt ? config.maxPackTokens : null,
    maxAnswerTokens:
      config.type === "grpo" ? config.rollouts.maxAnswerTokens : config.maxAnswerTokens,
    answerField: config.type === "grpo" ? "rollouts.maxAnswerTokens" : "maxAnswerTokens",
  };
}

/**
 * Returns how many tokens an answer to a task may have: fewer than configured when the model's
 * positions run out.
 *
 * @throws InvalidArgumentError naming the field, when the prompt leaves no room or a pack is too
 *   small
 */
export function answerRoom(taskId: string, promptTokens: number, budget: TokenBudget): number {
  const { maxPositions, maxPackTokens, maxAnswerTokens } = budget;
  const room = Math.min(maxAnswerTokens, maxPositions - promptTokens);
  if (room < 1) {
    const problem = `has ${maxPositions} positions; the prompt of ${taskId} alone has ${promptTokens} tokens`;
    throw new InvalidArgumentError("model", problem);
  }
  if (maxPackTokens !== null && promptTokens + room > maxPackTokens) {
    const needed = promptTokens + room;
    const problem = `is ${maxPackTokens}; ${taskId} needs ${needed} tokens with its answer`;
    throw new InvalidArgumentError("maxPackTokens", problem, { suggestion: `at least ${needed}` });
  }
  return room;
}
