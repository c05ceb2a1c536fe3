import { z } from "zod";

/**
 * A mean reward, its 95 % confidence interval, and its number of tasks: 0 when none could be
 * scored.
 */
export const RewardInterval = z.strictObject({
  reward: z.number(),
  low: z.number(),
  high: z.number(),
  count: z.int().min(0),
});
/** A mean reward, its 95 % confidence interval, and its number of tasks. */
export type RewardInterval = z.infer<typeof RewardInterval>;

/** One validation: sampled answers and, if configured, the greedy ones. */
export const ValidationResult = z.strictObject({
  ...RewardInterval.shape,
  /** Number of iterations before it; 0 for the initial model. */
  iteration: z.int().min(0),
  greedy: RewardInterval.optional(),
  /**
   * Means over all sampled answers: `answerTokens`, and the environment's metrics by their names.
   * Absent in ledgers of earlier versions.
   */
  means: z.record(z.string(), z.number()).optional(),
  /** The same for the greedy answers. */
  greedyMeans: z.record(z.string(), z.number()).optional(),
  /** The sampled answers by source; only there for a source of type mix. */
  sources: z.record(z.string(), RewardInterval).optional(),
  /** Answers that could not be scored, and are left out of all means. Absent for none. */
  unscored: z.int().min(1).optional(),
  /** Mean expected score of guessing among the listed names. */
  randomGuess: z.number(),
});
/** One validation. */
export type ValidationResult = z.infer<typeof ValidationResult>;

/** The measurement of a run's final weights on the tasks of `report`; its iteration is that of the weights. */
export const ReportResult = z.strictObject({
  ...ValidationResult.shape,
  /** The weights that answered: those that the run ends with. */
  weights: z.strictObject({ version: z.int().min(0), digest: z.string() }),
});
/** The measurement of a run's final weights on the tasks of `report`. */
export type ReportResult = z.infer<typeof ReportResult>;

/** The result of a run: the JSON that `gumshoe run --json` prints. */
export const RunResult = z.strictObject({
  run: z.string(),
  weightsDigest: z.string(),
  iterations: z.int(),
  updates: z.int(),
  validation: z.array(ValidationResult),
  /** Absent in a run without `report`. */
  report: ReportResult.optional(),
  /**
   * Largest log-prob difference between sampler and trainer in the updates whose answers come from the
   * weights that they train, in nats: the first ones of iterations, with staleness of fewer.
   */
  logprobGapMax: z.number(),
  seconds: z.number(),
  /** Folder of the last checkpoint. */
  checkpoint: z.string(),
});
/** The result of a run. */
export type RunResult = z.infer<typeof RunResult>;
