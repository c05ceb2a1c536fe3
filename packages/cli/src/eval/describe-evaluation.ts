import { errorMessage } from "@gumshoe/core";

import { formatCount, formatDuration, formatInterval, formatReward } from "../terminal/format.js";
import { type Evaluation } from "./evaluate.js";

/** How to resume an evaluation that ended early; null if its replies are not kept. */
export interface Continuation {
  readonly file: string;
  readonly command: string;
}

/** Describes the result of an evaluation. */
export function describeEvaluation(
  evaluation: Evaluation,
  ended: { by: Error | null; hasPrice: boolean; continuation: Continuation | null },
): string {
  const { accuracy, allCorrect, failures, notScored, cost } = evaluation;
  const lines = [
    accuracy === null || allCorrect === null
      ? "accuracy     nothing could be scored"
      : `accuracy     ${formatReward(accuracy.mean)} (95 %: ${formatInterval(accuracy)}), ` +
        `${accuracy.count} cases; everything right in ${formatReward(allCorrect.mean)}`,
    ...describePart(evaluation, ended),
    `answers      ${describeAnswers(evaluation)}`,
    `tokens       ${describeTokens(evaluation)}`,
    `time         ${formatDuration(evaluation.seconds)}`,
  ];
  const [first] = notScored;
  if (first !== undefined) {
    const others = notScored.length > 1 ? `, for example ${first.count} of` : "";
    lines.push(`not scored   ${formatCount(failures)}${others}: ${first.reason}`);
  }
  if (cost !== null) lines.push(`cost         ${cost.toFixed(4)} USD`);
  else if (ended.hasPrice) lines.push("cost         unknown: replies came without token counts");
  return lines.join("\n");
}

function describePart(
  { partial, answers, failures, wanted }: Evaluation,
  { by, continuation }: { by: Error | null; continuation: Continuation | null },
): string[] {
  if (!partial) return [];
  const why = by === null ? "" : ` (${errorMessage(by)})`;
  const part = `part         ${formatCount(answers + failures)} of ${formatCount(wanted)} answers${why}`;
  if (continuation === null) return [part];
  return [`${part}; they are in ${continuation.file}`, `to continue  ${continuation.command}`];
}

function describeAnswers({ answers, truncated, empty, refused }: Evaluation): string {
  const notes = [`${formatCount(truncated)} cut off by the length limit`];
  if (empty > 0) notes.push(`${formatCount(empty)} without any text`);
  if (refused > 0) notes.push(`${formatCount(refused)} refused by the model`);
  return [formatCount(answers), ...notes].join(", ");
}

function describeTokens(evaluation: Evaluation): string {
  const { promptTokens, answerTokens, repliesWithoutCounts, answers } = evaluation;
  const counted = `${formatCount(promptTokens)} read, ${formatCount(answerTokens)} written`;
  if (repliesWithoutCounts === 0) return counted;
  if (repliesWithoutCounts >= answers && promptTokens + answerTokens === 0) {
    return "unknown: the endpoint counts none";
  }
  return `${counted}; ${formatCount(repliesWithoutCounts)} replies came without counts`;
}
