import { z } from "zod";

import { CheckpointConfig } from "./checkpoint.js";
import { count, PathText, RunName, Seed } from "./fields.js";
import { OptimizerConfig } from "./optimizer.js";
import { PromptConfig } from "./prompts.js";
import { checkGraderRule, checkValidationRules } from "./rules.js";
import { TaskSourceConfig } from "./task-source.js";
import { StopWhenConfig, ValidationConfig } from "./validation.js";

/**
 * The fields of a Qwen2 `config.json` that shape a new model, by their Hugging Face names. The
 * vocabulary and the special tokens come from the tokenizer.
 */
export const NewModelConfig = z
  .strictObject({
    hidden_size: count(8, 65_536).describe("model width"),
    intermediate_size: count(8, 262_144).describe("width of the feed-forward layer"),
    num_hidden_layers: count(1, 512).describe("number of layers"),
    num_attention_heads: count(1, 1024).describe("query heads; a divisor of hidden_size"),
    num_key_value_heads: count(1, 1024).describe(
      "key and value heads; a divisor of num_attention_heads",
    ),
    max_position_embeddings: count(16, 4_194_304).default(2048).describe("longest sequence"),
    rope_theta: z.number().gt(1).default(10_000).describe("base of the rotary angles"),
    rms_norm_eps: z.number().gt(0).max(0.1).default(1e-6).describe("added to the mean square"),
    tie_word_embeddings: z.boolean().default(true).describe("head shares the embedding"),
    initializer_range: z.number().gt(0).max(1).default(0.02).describe("deviation of first weights"),
  })
  .superRefine((model, context) => {
    if (model.hidden_size % model.num_attention_heads !== 0) {
      context.addIssue({
        code: "custom",
        path: ["num_attention_heads"],
        message: `must divide hidden_size = ${model.hidden_size}`,
      });
    }
    if (model.num_attention_heads % model.num_key_value_heads !== 0) {
      context.addIssue({
        code: "custom",
        path: ["num_key_value_heads"],
        message: `must divide num_attention_heads = ${model.num_attention_heads}`,
      });
    }
  });
/** The fields that shape a new model. */
export type NewModelConfig = z.infer<typeof NewModelConfig>;

/** Where the first weights of a supervised run come from. */
export const InitConfig = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("folder").describe("the weights in the folder model") }),
  z.strictObject({
    type: z.literal("new").describe("random weights"),
    config: NewModelConfig.describe("shape of the new model"),
    seed: Seed.default(1).describe("decides the first weights"),
  }),
]);
/** Where the first weights of a supervised run come from. */
export type InitConfig = z.infer<typeof InitConfig>;

const Answers = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("gold").describe("the right answers") }),
  z.strictObject({
    type: z.literal("careless").describe("right answers, some of them replaced by chance"),
    share: z.number().min(0).max(1).describe("chance of each answer to be any name of its kind"),
    names: z
      .enum(["listed", "classic", "all"])
      .default("listed")
      .describe("names to take it from: those of the case, the classic ones, or all there are"),
  }),
]);

const Examples = z.strictObject({
  source: TaskSourceConfig.describe("where the tasks come from"),
  answers: Answers.default({ type: "gold" }).describe("the replies that are learnt"),
  perUpdate: count(1, 65_536).default(64).describe("examples of one optimizer step"),
});

/** A run that learns from given answers: the warm-up of a new model, or a lesson for a known one. */
export const SftConfig = z
  .strictObject({
    name: RunName.describe("unique among the runs; default: the config file's name"),
    type: z.literal("sft").describe("supervised learning from given answers"),
    seed: Seed.default(1).describe("decides every random choice of the run"),
    model: PathText.describe(
      "folder of the tokenizer and, unless init is new, the first weights; or a model on the hub: owner/name, owner/name@revision",
    ),
    init: InitConfig.default({ type: "folder" }).describe("where the first weights come from"),
    iterations: count(1, 10_000_000).default(100).describe("rounds of updatesPerIteration"),
    updatesPerIteration: count(1, 100_000).default(1).describe("optimizer steps of an iteration"),
    examples: Examples.describe("what is learnt"),
    tasks: PromptConfig.prefault({}).describe("how examples and validation are written"),
    trainOnPrompt: z
      .literal(false, "only false: the loss is on the answers")
      .default(false)
      .describe("whether the prompt's tokens are learnt too"),
    lanes: count(1, 1024).default(2).describe("shares of an update; fixed, not the worker count"),
    maxPackTokens: count(16, 1_048_576).default(2048).describe("tokens of one training row"),
    maxAnswerTokens: count(1, 131_072)
      .default(64)
      .describe("tokens after which an answer of a validation is cut"),
    grader: z
      .enum(["fixed", "seed"])
      .default("fixed")
      .describe("how an answer of a validation is scored"),
    optimizer: OptimizerConfig.prefault({}).describe("AdamW"),
    validation: ValidationConfig.nullable().default(null).describe("held-out tasks; null for none"),
    checkpoint: CheckpointConfig.prefault({}).describe("when weights are written"),
    stopWhen: StopWhenConfig.nullable().default(null).describe("guard of the run; null for none"),
  })
  .superRefine((config, context) => {
    checkValidationRules(config, context);
    const sources = [config.examples.source, config.validation?.source];
    checkGraderRule({ grader: config.grader, sources }, ["grader"], context);
  });
/** A run that learns from given answers. */
export type SftConfig = z.infer<typeof SftConfig>;
