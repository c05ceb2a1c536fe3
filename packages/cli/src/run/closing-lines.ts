import { isBelow } from "@gumshoe/grpo";
import {
  readsClueAnswers,
  type RunConfig,
  type RunResult,
  runSources,
  stalenessOf,
  type ValidationResult,
} from "@gumshoe/config";

import {
  formatCount,
  formatDuration,
  formatInterval,
  formatReward,
  formatShare,
} from "../terminal/format.js";
import { shortPath } from "../terminal/short-path.js";
import { type GivenCommand, nextSteps } from "./next-steps.js";

/** Describes a run's result and the possible next commands. */
export function closingLines(result: RunResult, config: RunConfig, given: GivenCommand): string {
  const steps = nextSteps(result, config, given);
  const scored = result.validation.filter(({ count }) => count > 0);
  const [before, after] = [scored[0], scored.at(-1)];
  const gain = before === undefined || after === undefined ? [] : gainLines(before, after);
  const isOwnTask = runSources(config, "validation").some(
    ({ source }) => !readsClueAnswers(source),
  );
  const guess = isOwnTask ? "a guess" : "guessing among the listed names";
  return [
    "",
    `run ${result.run}: ${formatCount(result.iterations)} iterations and ` +
      `${formatCount(result.updates)} updates in ${formatDuration(result.seconds)}`,
    ...gain,
    ...(before !== undefined && after !== undefined ? learntLines(before, after) : []),
    ...(after !== undefined && after.randomGuess > 0
      ? [`  ${guess} would give ${formatReward(after.randomGuess)}`]
      : []),
    ...reportLines(result),
    `  largest gap between the sampler's and the trainer's log-probs: ${result.logprobGapMax}` +
      (stalenessOf(config) > 0 ? ", where both had the same weights" : ""),
    `  weights digest  ${result.weightsDigest}`,
    `  checkpoint      ${shortPath(result.checkpoint, given.workingFolder)}`,
    ...(steps.length === 0 ? [] : ["", "next:", ...steps.map((step) => `  ${step}`)]),
  ].join("\n");
}

/** Least rise of the share of reasoning answers that is called a discovery. */
const LEAST_RISE = 0.3;

/** Describes how the sampled answers have changed: how many reason, and their length. */
function learntLines(before: ValidationResult, after: ValidationResult): string[] {
  const lines: string[] = [];
  const [was, is] = [before.means ?? {}, after.means ?? {}];
  if (before.iteration === after.iteration) return lines;
  const { reasons: reasoned, answerTokens: length } = was;
  const { reasons, answerTokens } = is;
  if (reasoned !== undefined && reasons !== undefined) {
    lines.push(
      `  sampled answers that reason before they answer: from ${formatShare(reasoned)} to ` +
        formatShare(reasons),
    );
  }
  if (length !== undefined && answerTokens !== undefined) {
    lines.push(
      `  length of a sampled answer: from ${length.toFixed(1)} to ${answerTokens.toFixed(1)} tokens`,
    );
  }
  const [worse, better] = [before.greedy ?? before, after.greedy ?? after];
  const hasRisen = better.low > worse.high;
  if (hasRisen && (reasons ?? 0) - (reasoned ?? 0) >= LEAST_RISE) {
    lines.push(
      "",
      "  It was rewarded for right answers only, and found that it pays to think first: it writes",
      `  down what follows from the clues, and then answers. It gets ${formatShare(better.reward)} ` +
        `right instead of ${formatShare(worse.reward)}.`,
    );
  }
  return lines;
}

/** Describes the run's report: nothing was chosen by its cases, so its reward is not flattered by a choice. */
function reportLines({ report }: RunResult): string[] {
  if (report === undefined) return [];
  if (report.count === 0) return ["  report: no answer could be scored"];
  const { greedy, count, iteration, reward } = report;
  const likely =
    greedy === undefined
      ? ""
      : `, most likely answer ${formatReward(greedy.reward)} (95 %: ${formatInterval(greedy)})`;
  return [
    `  report on the weights after ${iteration} iterations: reward ${formatReward(reward)} ` +
      `(95 %: ${formatInterval(report)})${likely}, on ${count} cases that nothing was chosen by`,
  ];
}

function gainLines(before: ValidationResult, after: ValidationResult): string[] {
  const held = `${after.count} held-out cases`;
  if (before.iteration === after.iteration) {
    return [`  reward ${formatReward(after.reward)} (95 %: ${formatInterval(after)}) on ${held}`];
  }
  const lines = [
    `  reward of sampled answers: from ${formatReward(before.reward)} ` +
      `(95 %: ${formatInterval(before)}) to ${formatReward(after.reward)} ` +
      `(95 %: ${formatInterval(after)}), on ${held}`,
  ];
  if (before.greedy !== undefined && after.greedy !== undefined) {
    lines.push(
      `  reward of the most likely answer: from ${formatReward(before.greedy.reward)} to ` +
        `${formatReward(after.greedy.reward)} (95 %: ${formatInterval(after.greedy)})`,
    );
  }
  if (isBelow(toInterval(after), toInterval(before))) {
    lines.push(
      `  warning: validation fell from ${formatReward(before.reward)} to ` +
        `${formatReward(after.reward)}: the start was better; lower optimizer.lr, or raise ` +
        "optimizer.warmupUpdates",
    );
  }
  return lines;
}

function toInterval({ reward, low, high, count }: ValidationResult) {
  return { mean: reward, low, high, count };
}
