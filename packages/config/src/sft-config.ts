import { z } from "zod";

import { CheckpointConfig } from "./checkpoint.js";
import { CHECKPOINTING_FIELD } from "./checkpointing.js";
import { count, PathText, RunName, Seed } from "./fields.js";
import { LORA_FIELD } from "./lora.js";
import { OptimizerConfig } from "./optimizer.js";
import { PromptConfig } from "./prompts.js";
import { checkGraderRule, checkTurnsRule, checkValidationRules } from "./rules.js";
import { TaskSourceConfig } from "./task-source.js";
import { TURNS_FIELD } from "./turns.js";
import { ReportConfig, StopWhenConfig, ValidationConfig } from "./validation.js";

/**
 * Shape of a new Qwen2 model, by the field names of Hugging Face's `config.json`. The vocabulary
 * and the special tokens come from the tokenizer.
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
    rms_norm_eps: z.number().gt(0).max(0.1).default(1e-6).describe("term added to the mean square"),
    tie_word_embeddings: z
      .boolean()
      .default(true)
      .describe("whether the head shares the embedding's weights"),
    initializer_range: z
      .number()
      .gt(0)
      .max(1)
      .default(0.02)
      .describe("standard deviation of the initial weights"),
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
/** Shape of a new model. */
export type NewModelConfig = z.infer<typeof NewModelConfig>;

/** Origin of a supervised run's initial weights. */
export const InitConfig = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("folder").describe("the weights in the model folder") }),
  z.strictObject({
    type: z.literal("new").describe("random weights"),
    config: NewModelConfig.describe("shape of the new model"),
    seed: Seed.default(1).describe("seed of the initial weights"),
  }),
]);
/** Origin of a supervised run's initial weights. */
export type InitConfig = z.infer<typeof InitConfig>;

const Answers = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("gold").describe("the right answers") }),
  z.strictObject({
    type: z.literal("trace").describe("a deduction and then the right answers, or answers alone"),
    share: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe("probability that an example is answered with the deduction"),
    maxLines: count(1, 10_000)
      .optional()
      .describe(
        "most lines of a deduction before its conclusions; lines that repeat a clue are left out then, later ones cut off",
      ),
    hasty: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        "probability that an answer without the deduction is the first name of its kind that the case lists",
      ),
  }),
  z.strictObject({
    type: z.literal("careless").describe("right answers, some of them replaced at random"),
    share: z
      .number()
      .min(0)
      .max(1)
      .describe("probability that an answer is replaced by a random name of its kind"),
    names: z
      .enum(["listed", "classic", "all"])
      .default("listed")
      .describe("source of that name: the case, the classic names, or all names"),
  }),
]);

const Examples = z.strictObject({
  source: TaskSourceConfig.describe("source of the tasks"),
  answers: Answers.default({ type: "gold" }).describe("replies to train on"),
  perUpdate: count(1, 65_536).default(64).describe("examples per optimizer step"),
});

/** A supervised run on given answers, for a new model or an existing one. */
export const SftConfig = z
  .strictObject({
    name: RunName.describe("unique among the runs; default: the config file's name"),
    type: z.literal("sft").describe("supervised learning from given answers"),
    seed: Seed.default(1).describe("seed of every random choice in the run"),
    model: PathText.describe(
      "folder with the tokenizer and, unless init is new, the initial weights; or a model on the hub: owner/name, owner/name@revision",
    ),
    init: InitConfig.default({ type: "folder" }).describe("source of the initial weights"),
    iterations: count(1, 10_000_000).default(100).describe("rounds of updatesPerIteration"),
    updatesPerIteration: count(1, 100_000).default(1).describe("optimizer steps per iteration"),
    examples: Examples.describe("examples to train on"),
    tasks: PromptConfig.prefault({}).describe("prompts of examples and validation"),
    trainOnPrompt: z
      .literal(false, "must be false: the loss covers only the answers")
      .default(false)
      .describe("whether to train on the prompt's tokens, too"),
    lanes: count(1, 1024)
      .default(2)
      .describe("trainer jobs per update; part of the result, unlike the number of workers"),
    maxPackTokens: count(16, 1_048_576).default(2048).describe("longest training row, in tokens"),
    maxAnswerTokens: count(1, 131_072)
      .default(64)
      .describe("length limit of a validation answer, in tokens"),
    grader: z
      .enum(["fixed", "seed"])
      .default("fixed")
      .describe("grader of the validation's replies"),
    turns: TURNS_FIELD,
    lora: LORA_FIELD,
    optimizer: OptimizerConfig.prefault({}).describe("settings of AdamW"),
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
    checkValidationRules(config, context);
    if (config.lora !== null && config.init.type === "new") {
      const message = "needs init.type: folder, since an adapter changes a model that is trained";
      context.addIssue({ code: "custom", path: ["lora"], message });
    }
    const sources = [config.examples.source, config.validation?.source, config.report?.source];
    const { turns, maxAnswerTokens } = config;
    checkTurnsRule({ turns, sources, maxAnswerTokens }, [], context);
    checkGraderRule({ grader: config.grader, sources }, ["grader"], context);
  });
/** A supervised run on given answers. */
export type SftConfig = z.infer<typeof SftConfig>;
