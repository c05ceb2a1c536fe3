import type { RunResult } from "@gumshoe/config";

import { formatReward } from "../terminal/format.js";
import { hasAnswers, readAnswers, type RolloutLine } from "./run-files.js";
import { sideBySide } from "./side-by-side.js";

/** Held-out cases that are shown: the first ones, whatever the answers. */
const NUM_CASES = 3;

/**
 * Shows the same held-out cases with the most likely answers before and after training, side by
 * side with the right answers; an empty text if the run has not two
 * validations with answers.
 *
 * @param folder  of the run
 * @param width   of the text, in characters
 */
export async function heldOutCases(
  folder: string,
  { validation }: Pick<RunResult, "validation">,
  width: number,
): Promise<string> {
  const [first, last] = [validation[0], validation.at(-1)];
  if (first === undefined || last === undefined || first.iteration === last.iteration) return "";
  const names = [first, last].map(({ iteration }) => `validation-${iteration}`);
  if (!names.every((name) => hasAnswers(folder, name))) return "";
  const [before, after] = await Promise.all(names.map((name) => readAnswers(folder, name, null)));
  const texts: string[] = [];
  for (const was of mostLikely(before ?? []).slice(0, NUM_CASES)) {
    const is = mostLikely(after ?? []).find(({ task }) => task === was.task);
    if (is !== undefined) texts.push(describeCase(was, is, width));
  }
  if (texts.length === 0) return "";
  return ["", "held-out cases, with the most likely answers:", "", texts.join("\n\n"), ""].join(
    "\n",
  );
}

/** Returns the greedy answers of a validation, or the sampled ones if there are no greedy ones. */
function mostLikely(answers: readonly RolloutLine[]): RolloutLine[] {
  const last = new Map<string, RolloutLine>();
  // The groups of greedy answers follow those of sampled ones.
  for (const answer of answers) last.set(answer.task, answer);
  return [...last.values()];
}

function describeCase(before: RolloutLine, after: RolloutLine, width: number): string {
  return sideBySide(
    [
      { title: `case ${before.task}`, text: caseText(before) },
      { title: `before: score ${score(before)}`, text: before.reply.trimEnd() },
      { title: `after: score ${score(after)}`, text: after.reply.trimEnd() },
    ],
    width,
  );
}

function caseText({ prompt, answer }: RolloutLine): string {
  return `${prompt.trimEnd()}\n\nRight answers:\n${answerText(answer)}`;
}

function score({ reward }: RolloutLine): string {
  return reward === null ? "none" : formatReward(reward);
}

/** Writes the solution of a case by letter, and other reference answers as they are. */
function answerText(answer: unknown): string {
  if (typeof answer === "string") return answer;
  if (typeof answer !== "object" || answer === null) return "not known";
  return Object.entries(answer)
    .map(([letter, value]) => `${letter}. ${String(value)}`)
    .join("\n");
}
