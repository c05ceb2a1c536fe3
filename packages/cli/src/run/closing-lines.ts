import { relative } from "node:path";

import { isBelow } from "@gumshoe/grpo";
import { type RunResult, type ValidationResult } from "@gumshoe/protocol";

import { formatCount, formatDuration, formatInterval, formatReward } from "../terminal/format.js";

/** What the closing lines need beside the result. */
export interface ClosingContext {
  /** Config file of the run. */
  readonly configFile: string;
  /** Folder that shown paths are relative to. */
  readonly workingFolder: string;
}

/** Says what a run came to, and what to type next. */
export function closingLines(result: RunResult, context: ClosingContext): string {
  const checkpoint = shortPath(result.checkpoint, context.workingFolder);
  const config = shortPath(context.configFile, context.workingFolder);
  const scored = result.validation.filter(({ count }) => count > 0);
  const [before, after] = [scored[0], scored.at(-1)];
  const gain = before === undefined || after === undefined ? [] : gainLines(before, after);
  return [
    "",
    `run ${result.run}: ${formatCount(result.iterations)} iterations and ` +
      `${formatCount(result.updates)} updates in ${formatDuration(result.seconds)}`,
    ...gain,
    `  largest gap between the sampler's and the trainer's log-probs: ${result.logprobGapMax}`,
    `  weights digest  ${result.weightsDigest}`,
    `  checkpoint      ${checkpoint}`,
    "",
    "next:",
    "  npx gumshoe puzzle generate --tier mini --count 200 --seed 5 --out cases.json",
    `  npx gumshoe eval --model ${checkpoint} --data cases.json`,
    `  npx gumshoe run ${config} --fresh --inference 2 --trainers 2   # the same digest`,
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
  return [
    ...lines,
    `  guessing among the listed names would give ${formatReward(after.randomGuess)}`,
  ];
}

function toInterval({ reward, low, high, count }: ValidationResult) {
  return { mean: reward, low, high, count };
}

/** Returns the shorter of the absolute and the relative path. */
function shortPath(path: string, from: string): string {
  const shorter = relative(from, path);
  return shorter !== "" && shorter.length < path.length ? shorter : path;
}
