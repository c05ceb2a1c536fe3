import { z } from "zod";

/** A mean reward, its 95 % interval, and the number of tasks it rests on: 0 where nothing could be scored. */
export const RewardInterval = z.strictObject({
  reward: z.number(),
  low: z.number(),
  high: z.number(),
  count: z.int().min(0),
});
/** A mean reward, its 95 % interval, and the number of tasks it rests on. */
export type RewardInterval = z.infer<typeof RewardInterval>;

/** One validation: sampled answers and, if asked for, the most likely ones. */
export const ValidationResult = z.strictObject({
  ...RewardInterval.shape,
  /** Iterations done before it; 0 is the model as it was loaded. */
  iteration: z.int().min(0),
  greedy: RewardInterval.optional(),
  /** Answers that could not be scored; they are in no mean. Absent for none. */
  unscored: z.int().min(1).optional(),
  /** Mean score of guessing among the listed names. */
  randomGuess: z.number(),
});
/** One validation. */
export type ValidationResult = z.infer<typeof ValidationResult>;

/** What a run came to: the JSON that `gumshoe run --json` prints. */
export const RunResult = z.strictObject({
  run: z.string(),
  weightsDigest: z.string(),
  iterations: z.int(),
  updates: z.int(),
  validation: z.array(ValidationResult),
  /** Largest log-prob difference between sampler and trainer in a first update, in nats. */
  logprobGapMax: z.number(),
  seconds: z.number(),
  /** Folder of the last checkpoint. */
  checkpoint: z.string(),
});
/** What a run came to. */
export type RunResult = z.infer<typeof RunResult>;
