import { cosine } from "@gumshoe/grpo";
import type { OptimizerConfig } from "@gumshoe/config";

/**
 * Computes the learning rate of an update: a linear warm-up, then the schedule.
 *
 * @param update       from 0
 * @param numUpdates   of the whole run; the schedule ends at 0 after the last
 */
export function learningRate(config: OptimizerConfig, update: number, numUpdates: number): number {
  const { lr, warmupUpdates, schedule } = config;
  if (update < warmupUpdates) return (lr * (update + 1)) / warmupUpdates;
  const left = Math.max(1, numUpdates - warmupUpdates);
  const done = Math.min(1, (update - warmupUpdates) / left);
  switch (schedule) {
    case "constant":
      return lr;
    case "linear":
      return lr * (1 - done);
    case "cosine":
      return (lr * (1 + cosine(Math.PI * done))) / 2;
    default:
      return schedule satisfies never;
  }
}
