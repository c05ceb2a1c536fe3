import { InvalidArgumentError } from "@gumshoe/core";

import type { SamplingOptions } from "./answer-source.js";
import type { EvaluatedTasks } from "./evaluated-tasks.js";

/** Checks that tasks have thinking that can be ended: a reply in one turn. @throws InvalidArgumentError */
export function checkOneTurn({ conversationOf }: Pick<EvaluatedTasks, "conversationOf">): void {
  if (conversationOf === null) return;
  const problem = "is for replies of one turn; these tasks have several";
  throw new InvalidArgumentError("--thinking-budget", problem, { suggestion: "leave it out" });
}

/**
 * Checks that budgets leave room for an answer.
 *
 * @param numClose  tokens that are written where a budget ends
 * @throws          InvalidArgumentError
 */
export function checkRoom(
  budgets: readonly number[],
  { maxAnswerTokens }: Pick<SamplingOptions, "maxAnswerTokens">,
  numClose: number,
): void {
  const most = Math.max(...budgets);
  const needed = most + numClose + 1;
  if (needed <= maxAnswerTokens) return;
  const problem =
    `is ${most}, which leaves no room for an answer within --max-tokens ${maxAnswerTokens}: ` +
    `the thinking, its end of ${numClose} tokens and an answer need ${needed}`;
  throw new InvalidArgumentError("--thinking-budget", problem, {
    suggestion: `--max-tokens ${needed + maxAnswerTokens}`,
  });
}
