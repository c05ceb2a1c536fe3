import { z } from "zod";

import { CheckpointConfig } from "./checkpoint.js";
import { CurriculumConfig } from "./curriculum.js";
import { count, MODEL_FIELD, PathText, RunName, Seed } from "./fields.js";
import { LossSettings } from "./loss.js";
import { OptimizerConfig } from "./optimizer.js";
import { PROMPT_FIELDS } from "./prompts.js";
import { checkCurriculumRules, checkGraderRule, checkValidationRules } from "./rules.js";
import { TaskSourceConfig } from "./task-source.js";
import { StopWhenConfig, ValidationConfig } from "./validation.js";

/** Ends a degenerate answer: e = alpha e + (1 - alpha) logprob, stop when e < threshold. */
export const EarlyStopConfig = z.strictObject({
  alpha: z.number().gt(0).lt(1).default(0.992).describe("weight of the past"),
  threshold: z.number().max(0).default(-3).describe("log-prob under which an answer ends, in nats"),
});
/** Ends a degenerate answer. */
export type EarlyStopConfig = z.infer<typeof EarlyStopConfig>;

const Tasks = z.strictObject({
  source: TaskSourceConfig.describe("where the tasks come from"),
  perIteration: count(1, 65_536).default(16).describe("tasks sampled in one iteration"),
  curriculum: CurriculumConfig.nullable()
    .default(null)
    .describe("tiers to go through as rewards rise; null to stay at the source's"),
  grader: z.enum(["fixed", "seed"]).default("fixed").describe("how a reply is scored"),
  template: PROMPT_FIELDS.template,
  date: PROMPT_FIELDS.date,
});

const Rollouts = z.strictObject({
  perTask: count(2, 4096).default(16).describe("answers sampled for each task: one group"),
  temperature: z.number().gt(0).max(10).default(1).describe("logits are divided by it"),
  maxAnswerTokens: count(1, 131_072).default(64).describe("tokens after which an answer is cut"),
  earlyStop: EarlyStopConfig.nullable()
    .default(null)
    .describe("ends answers that have degenerated; null for none"),
});

/** A run that learns by reinforcement: GRPO on tasks whose answers can be checked. */
export const GrpoConfig = z
  .strictObject({
    name: RunName.describe("unique among the runs; default: the config file's name"),
    type: z.literal("grpo").describe("reinforcement learning by GRPO"),
    seed: Seed.default(1).describe("decides every random choice of the run"),
    model: PathText.describe(MODEL_FIELD),
    iterations: count(1, 1_000_000).default(40).describe("times that is sampled, then learnt"),
    tasks: Tasks.describe("what is trained on"),
    rollouts: Rollouts.prefault({}).describe("how answers are sampled"),
    advantage: z.enum(["grpo", "dr-grpo", "rloo"]).default("grpo").describe("reward to advantage"),
    loss: LossSettings.prefault({}).describe("what an update lowers"),
    updatesPerIteration: count(1, 1024)
      .default(2)
      .describe("optimizer steps of an iteration; at most tasks.perIteration"),
    lanes: count(1, 1024).default(2).describe("shares of an update; fixed, not the worker count"),
    maxPackTokens: count(16, 1_048_576)
      .default(2048)
      .describe("tokens of one training row; above maxAnswerTokens"),
    optimizer: OptimizerConfig.prefault({}).describe("AdamW"),
    staleness: z
      .literal(0, "must be 0: rollouts cannot lag behind yet")
      .default(0)
      .describe("iterations that rollouts lag behind the weights"),
    validation: ValidationConfig.nullable().default(null).describe("held-out tasks; null for none"),
    checkpoint: CheckpointConfig.prefault({}).describe("when weights are written"),
    stopWhen: StopWhenConfig.nullable().default(null).describe("guard of the run; null for none"),
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
    checkCurriculumRules(tasks, context);
    checkValidationRules(config, context);
    const sources = [tasks.source, config.validation?.source];
    checkGraderRule({ grader: tasks.grader, sources }, ["tasks", "grader"], context);
  });
/** A run that learns by reinforcement. */
export type GrpoConfig = z.infer<typeof GrpoConfig>;
