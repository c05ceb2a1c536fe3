import type { ReportResult, ValidationResult } from "@gumshoe/config";

import { formatCount, formatInterval, formatReward, formatShare } from "../terminal/format.js";

/** Most share of listed names at which a start below guessing is explained by unlisted ones. */
const MOSTLY_LISTED = 0.95;

/** Describes figures of an iteration's sampled answers: how many reason, and their length. */
export function describeFigures(metrics: Readonly<Record<string, number>>): string[] {
  const { "graded.reasons": reasons, meanAnswerTokens } = metrics;
  return [
    ...(reasons === undefined ? [] : [`${formatShare(reasons)} reason first`]),
    ...(meanAnswerTokens === undefined ? [] : [`${formatCount(meanAnswerTokens)} tokens/answer`]),
  ];
}

/** Describes one validation: in a line, and one more if the model starts below guessing. */
export function describeValidation(validation: ValidationResult): string {
  const line = describeResult("validation", validation);
  const why = validation.iteration === 0 ? whyBelowGuessing(validation) : null;
  return why === null ? line : `${line}\n  ${why}`;
}

/** Describes, in a line, how a run's final weights answer the tasks of its report. */
export function describeReport(report: ReportResult): string {
  return describeResult("report", report);
}

function describeResult(what: string, result: ValidationResult): string {
  const { iteration, reward, count, greedy, unscored, randomGuess, means } = result;
  const when = iteration === 0 ? "before training" : `after ${iteration} iterations`;
  if (count === 0) return `${what} ${when}: nothing could be scored`;
  const best = greedy === undefined ? "" : `, most likely answer ${formatReward(greedy.reward)}`;
  const lost = unscored === undefined ? "" : `, ${unscored} answers could not be scored`;
  const reasons = means?.["reasons"];
  const share = reasons === undefined ? "" : `, ${formatShare(reasons)} reason first`;
  return (
    `${what} ${when}: reward ${formatReward(reward)} (95 %: ${formatInterval(result)}, ` +
    `${count} held-out cases)${best}${lost}${share}, guessing ${formatReward(randomGuess)}`
  );
}

/** Explains a start below guessing, as far as the answers show why; null if it is not below. */
function whyBelowGuessing({ reward, randomGuess, means }: ValidationResult): string | null {
  const { answered, listed } = means ?? {};
  if (reward >= randomGuess || answered === undefined || listed === undefined) return null;
  const names = `${formatShare(listed)} of the questions with a name that the case lists`;
  if (listed < MOSTLY_LISTED) {
    return `below guessing, which picks a listed name: the model answers ${names}`;
  }
  return `below guessing, although the model answers ${names}: it prefers wrong ones`;
}
