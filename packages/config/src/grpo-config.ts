import { z } from "zod";

import { CheckpointConfig } from "./checkpoint.js";
import { CHECKPOINTING_FIELD } from "./checkpointing.js";
import { CurriculumConfig } from "./curriculum.js";
import { DynamicSamplingConfig } from "./dynamic-sampling.js";
import { count, MODEL_FIELD, PathText, RunName, Seed } from "./fields.js";
import { LORA_FIELD } from "./lora.js";
import { LossSettings } from "./loss.js";
import { OptimizerConfig } from "./optimizer.js";
import { PROMPT_FIELDS } from "./prompts.js";
import { ReferenceConfig } from "./reference.js";
import {
  checkCurriculumRules,
  checkGraderRule,
  checkOverlongRule,
  checkReferenceRule,
  checkRewardsRules,
  checkStalenessRules,
  checkTruncationRule,
  checkTurnsRule,
  checkValidationRules,
} from "./rules.js";
import { RewardsConfig } from "./rewards.js";
import { SAMPLING_FIELDS } from "./sampling.js";
import { TaskSourceConfig } from "./task-source.js";
import { TURNS_FIELD } from "./turns.js";
import { ReportConfig, StopWhenConfig, ValidationConfig } from "./validation.js";

/** Stops a degenerate answer: e = alpha e + (1 - alpha) logprob, stop when e < threshold. */
export const EarlyStopConfig = z.strictObject({
  alpha: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.992)
    .describe("weight of the earlier tokens in the moving average"),
  threshold: z
    .number()
    .max(0)
    .default(-3)
    .describe("moving average of log-probs below which an answer ends, in nats"),
});
/** Stops a degenerate answer. */
export type EarlyStopConfig = z.infer<typeof EarlyStopConfig>;

const Tasks = z.strictObject({
  source: TaskSourceConfig.describe("source of the tasks"),
  perIteration: count(1, 65_536).default(16).describe("tasks per iteration"),
  curriculum: CurriculumConfig.nullable()
    .default(null)
    .describe("tiers to move through as rewards rise; null to stay at the source's tier"),
  dynamicSampling: DynamicSamplingConfig.optional().describe(
    "samples the next tasks in place of groups whose rewards are all equal; left out: such groups are only dropped",
  ),
  grader: z.enum(["fixed", "seed"]).default("fixed").describe("grader of the replies"),
  rewards: RewardsConfig.optional().describe(
    "weights of the rewards, where a grade has several; left out: each has weight 1",
  ),
  template: PROMPT_FIELDS.template,
  date: PROMPT_FIELDS.date,
});

const Rollouts = z.strictObject({
  perTask: count(2, 4096).default(16).describe("answers sampled per task: one group"),
  temperature: z.number().gt(0).max(10).default(1).describe("divisor of the logits"),
  maxAnswerTokens: count(1, 131_072)
    .default(64)
    .describe(
      "length limit of an answer, in tokens; of several turns, of all tokens behind the prompt",
    ),
  ...SAMPLING_FIELDS,
  turns: TURNS_FIELD,
  earlyStop: EarlyStopConfig.nullable()
    .default(null)
    .describe("ends degenerate answers; null for never"),
});

/** A run of reinforcement learning: GRPO on tasks whose answers can be checked. */
export const GrpoConfig = z
  .strictObject({
    name: RunName.describe("unique among the runs; default: the config file's name"),
    type: z.literal("grpo").describe("reinforcement learning by GRPO"),
    seed: Seed.default(1).describe("seed of every random choice in the run"),
    model: PathText.describe(MODEL_FIELD),
    iterations: count(1, 1_000_000).default(40).describe("rounds of sampling and training"),
    tasks: Tasks.describe("tasks to train on"),
    rollouts: Rollouts.prefault({}).describe("sampling of answers"),
    advantage: z
      .enum(["grpo", "dr-grpo", "rloo"])
      .default("grpo")
      .describe("how rewards become advantages"),
    shuffleRewards: z
      .boolean()
      .default(false)
      .describe(
        "control experiment: exchange the rewards of each group among its answers at random before learning; a run that still improves does not learn from rewards",
      ),
    loss: LossSettings.prefault({}).describe("loss of an update"),
    reference: ReferenceConfig.optional().describe(
      "refreshes the reference of loss.klCoefficient; left out: it stays the weights that the run starts from",
    ),
    updatesPerIteration: count(1, 1024)
      .default(2)
      .describe("optimizer steps per iteration; at most tasks.perIteration"),
    lanes: count(1, 1024)
      .default(2)
      .describe("trainer jobs per update; part of the result, unlike the number of workers"),
    maxPackTokens: count(16, 1_048_576)
      .default(2048)
      .describe("longest training row, in tokens; above maxAnswerTokens"),
    lora: LORA_FIELD,
    optimizer: OptimizerConfig.prefault({}).describe("settings of AdamW"),
    staleness: count(0, 16)
      .default(0)
      .describe(
        "iterations by which rollouts lag behind the weights, so that sampling and learning overlap; below iterations",
      ),
    validation: ValidationConfig.nullable().default(null).describe("held-out tasks; null for none"),
    report: ReportConfig.optional().describe(
      "tasks to measure the final weights on, once; left out: none",
    ),
    checkpointing: CHECKPOINTING_FIELD,
    checkpoint: CheckpointConfig.prefault({}).describe("when checkpoints are written"),
    stopWhen: StopWhenConfig.nullable()
      .default(null)
      .describe("early end when validation drops; null for none"),
  })
  .superRefine((config, context) => {
    const { tasks, rollouts, updatesPerIteration } = config;
    if (updatesPerIteration > tasks.perIteration) {
      context.addIssue({
        code: "custom",
        path: ["updatesPerIteration"],
        message: `must be at most tasks.perIteration = ${tasks.perIteration}`,
      });
    }
    if (rollouts.maxAnswerTokens >= config.maxPackTokens) {
      context.addIssue({
        code: "custom",
        path: ["maxPackTokens"],
        message: `must be above rollouts.maxAnswerTokens = ${rollouts.maxAnswerTokens}`,
      });
    }
    if ((rollouts.minAnswerTokens ?? 0) > rollouts.maxAnswerTokens) {
      context.addIssue({
        code: "custom",
        path: ["rollouts", "minAnswerTokens"],
        message: `must be at most rollouts.maxAnswerTokens = ${rollouts.maxAnswerTokens}`,
      });
    }
    checkCurriculumRules(tasks, context);
    checkOverlongRule(config, context);
    checkReferenceRule(config, context);
    checkRewardsRules(config, context);
    checkStalenessRules(config, context);
    checkTruncationRule(config, context);
    checkValidationRules(config, context);
    const sources = [tasks.source, config.validation?.source, config.report?.source];
    const { maxAnswerTokens } = rollouts;
    checkTurnsRule({ turns: rollouts.turns, sources, maxAnswerTokens }, ["rollouts"], context);
    checkGraderRule({ grader: tasks.grader, sources }, ["tasks", "grader"], context);
  });
/** A run of reinforcement learning. */
export type GrpoConfig = z.infer<typeof GrpoConfig>;
