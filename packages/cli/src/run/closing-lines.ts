import { isBelow } from "@gumshoe/grpo";
import { type RunConfig, type RunResult, type ValidationResult } from "@gumshoe/config";

import { formatCount, formatDuration, formatInterval, formatReward } from "../terminal/format.js";
import { type GivenCommand, nextSteps, shortPath } from "./next-steps.js";

/** Describes a run's result and the possible next commands. */
export function closingLines(result: RunResult, config: RunConfig, given: GivenCommand): string {
  const steps = nextSteps(result, config, given);
  const scored = result.validation.filter(({ count }) => count > 0);
  const [before, after] = [scored[0], scored.at(-1)];
  const gain = before === undefined || after === undefined ? [] : gainLines(before, after);
  const isOwnTask = config.validation?.source.type === "module";
  const guess = isOwnTask ? "a guess" : "guessing among the listed names";
  return [
    "",
    `run ${result.run}: ${formatCount(result.iterations)} iterations and ` +
      `${formatCount(result.updates)} updates in ${formatDuration(result.seconds)}`,
    ...gain,
    ...(after !== undefined && after.randomGuess > 0
      ? [`  ${guess} would give ${formatReward(after.randomGuess)}`]
      : []),
    `  largest gap between the sampler's and the trainer's log-probs: ${result.logprobGapMax}`,
    `  weights digest  ${result.weightsDigest}`,
    `  checkpoint      ${shortPath(result.checkpoint, given.workingFolder)}`,
    ...(steps.length === 0 ? [] : ["", "next:", ...steps.map((step) => `  ${step}`)]),
  ].join("\n");
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
