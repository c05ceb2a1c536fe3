import { errorMessage } from "@gumshoe/core";

import { formatCount, formatDuration, formatInterval, formatReward } from "../terminal/format.js";
import type { Evaluation } from "./evaluate.js";

/** Characters in front of what a line says. */
const LABEL_WIDTH = 13;

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
  const { failures, notScored, cost } = evaluation;
  const lines = [
    `accuracy     ${describeAccuracy(evaluation)}`,
    ...describeSeveral(evaluation),
    ...describeMetrics(evaluation),
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

function describeAccuracy({ accuracy, allCorrect, guessing }: Evaluation): string {
  if (accuracy === null) return "nothing could be scored";
  return [
    `${formatReward(accuracy.mean)} (95 %: ${formatInterval(accuracy)}), ${accuracy.count} cases`,
    ...(allCorrect === null ? [] : [`everything right in ${formatReward(allCorrect.mean)}`]),
    ...(guessing === null ? [] : [`guessing ${formatReward(guessing)}`]),
  ].join("; ");
}

/** Describes what the best of several answers, and their majority, achieve. */
function describeSeveral({ several, majority, samplesPerCase }: Evaluation): string[] {
  const lines = several.flatMap(({ k, pass, best }) =>
    pass === null || best === null
      ? []
      : [
          `${`best of ${k}`.padEnd(LABEL_WIDTH)}${formatReward(best.mean)} (95 %: ${formatInterval(best)}); ` +
            `pass@${k} ${formatReward(pass.mean)} (${formatInterval(pass)})`,
        ],
  );
  if (majority === null) return lines;
  const vote = `${formatReward(majority.mean)} (95 %: ${formatInterval(majority)})`;
  return [...lines, `majority     ${vote}, of ${samplesPerCase} answers each`];
}

function describeMetrics({ metrics }: Evaluation): string[] {
  const means = Object.entries(metrics).map(([name, { mean }]) => `${name} ${formatReward(mean)}`);
  return means.length === 0 ? [] : [`metrics      ${means.join(", ")}`];
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
