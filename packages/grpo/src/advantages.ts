import { InvalidArgumentError } from "@gumshoe/core";

/** How rewards become advantages; see {@link advantages}. */
export type AdvantageKind = "grpo" | "dr-grpo" | "rloo";

/**
 * Avoids division by zero; negligible beside the standard deviation of a group with unequal
 * rewards.
 */
const STD_EPSILON = 1e-6;

/**
 * Returns whether all rewards are equal. Compares them directly, because their mean may be rounded.
 */
export function hasZeroVariance(rewards: readonly number[]): boolean {
  return rewards.every((reward) => reward === rewards[0]);
}

/**
 * Computes the advantage of each answer over its group.
 *
 * - `grpo`: (r - mean) / (population standard deviation + 1e-6)
 * - `dr-grpo`: r - mean
 * - `rloo`: r - mean of the others
 *
 * Equal rewards give exact zeros, even if their floating-point mean is rounded.
 *
 * @param rewards  [G], finite
 * @returns        [G]
 * @source arXiv:2402.03300 (grpo), arXiv:2503.20783 (dr-grpo), arXiv:2402.14740 (rloo)
 */
export function advantages(rewards: readonly number[], kind: AdvantageKind): number[] {
  if (!rewards.every(Number.isFinite)) {
    throw new InvalidArgumentError("rewards", `must be finite numbers, are ${rewards.join(", ")}`);
  }
  if (hasZeroVariance(rewards)) return rewards.map(() => 0);
  const count = rewards.length;
  const mean = sum(rewards) / count;
  const centred = rewards.map((reward) => reward - mean);
  switch (kind) {
    case "grpo": {
      const std = Math.sqrt(sum(centred.map((x) => x * x)) / count);
      return centred.map((x) => x / (std + STD_EPSILON));
    }
    case "dr-grpo":
      return centred;
    case "rloo":
      return centred.map((x) => (x * count) / (count - 1));
    default:
      return kind satisfies never;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
