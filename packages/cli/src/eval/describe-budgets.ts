import { errorMessage } from "@gumshoe/core";

import { formatInterval, formatReward, formatShare } from "../terminal/format.js";
import { formatTable } from "../terminal/table.js";
import type { Evaluation } from "./evaluate.js";

/** What a model achieves that may think for so many tokens. */
export interface BudgetResult extends Evaluation {
  /** In tokens; null without a budget. */
  readonly thinkingBudget: number | null;
  /** Mean number of sampled tokens of an answer; null without answers, or without counts. */
  readonly meanAnswerTokens: number | null;
  /** Share of answers whose thinking the budget has ended; null where the endpoint does not say. */
  readonly cutShare: number | null;
  /** File with the replies; null for none. */
  readonly replies: string | null;
}

/** Returns the result of one budget. @param numCut  null where it is not known */
export function budgetResult(
  evaluation: Evaluation,
  of: { thinkingBudget: number | null; numCut: number | null; replies: string | null },
): BudgetResult {
  const { thinkingBudget, numCut, replies } = of;
  const { answers, failures, answerTokens, repliesWithoutCounts } = evaluation;
  const hasCounts = answers > 0 && failures === 0 && repliesWithoutCounts === 0;
  return {
    ...evaluation,
    thinkingBudget,
    meanAnswerTokens: hasCounts ? answerTokens / answers : null,
    cutShare: numCut === null || answers + failures === 0 ? null : numCut / (answers + failures),
    replies,
  };
}

/** Describes the results of several budgets as a table, and why there are no more. */
export function describeBudgets(results: readonly BudgetResult[], endedBy: Error | null): string {
  const rows = results.map((result) => {
    const { thinkingBudget, accuracy, allCorrect, meanAnswerTokens, cutShare, truncated } = result;
    return [
      thinkingBudget === null ? "none" : thinkingBudget,
      accuracy === null ? "-" : formatReward(accuracy.mean),
      accuracy === null ? "-" : formatInterval(accuracy),
      allCorrect === null ? "-" : formatReward(allCorrect.mean),
      meanAnswerTokens === null ? "-" : meanAnswerTokens.toFixed(1),
      cutShare === null ? "-" : formatShare(cutShare),
      truncated,
      result.failures,
    ];
  });
  const header = [
    "budget",
    "accuracy",
    "95 %",
    "all right",
    "tokens/answer",
    "cut by it",
    "cut off",
    "not scored",
  ];
  const [first] = results;
  const lines = [formatTable(header, rows)];
  if (first !== undefined && first.guessing !== null) {
    lines.push(
      `guessing ${formatReward(first.guessing)}; ${first.cases} cases, ${first.samplesPerCase} answers each`,
    );
  }
  const failure = results.find(({ failureExample }) => failureExample !== null)?.failureExample;
  if (failure !== undefined && failure !== null) lines.push(`not scored: ${failure}`);
  if (endedBy !== null) lines.push(`the last row is not complete: ${errorMessage(endedBy)}`);
  const last = results.at(-1);
  if (endedBy !== null && last !== undefined && last.replies !== null) {
    const options = `--thinking-budget ${last.thinkingBudget} --replies ${last.replies}`;
    lines.push(`its replies are kept; to continue it, give ${options}`);
  }
  return lines.join("\n");
}
