import { z } from "zod";

/** Most characters of the chat template variables as JSON. */
const MAX_VARIABLES_LENGTH = 10_000;

/** How tasks are rendered as prompts, beside the model's chat template. */
export const PROMPT_FIELDS = {
  template: z
    .record(z.string().regex(/^[A-Za-z_]\w*$/, "must be a name"), z.json())
    .refine(
      (variables) => JSON.stringify(variables).length <= MAX_VARIABLES_LENGTH,
      `must be at most ${MAX_VARIABLES_LENGTH} characters of JSON`,
    )
    .refine(
      (variables) => !("messages" in variables) && !("add_generation_prompt" in variables),
      "must not hold messages or add_generation_prompt: the task gives them",
    )
    .default({})
    .describe("variables of the model's chat template, such as enable_thinking: false"),
  date: z.iso
    .date("must be a date such as 2026-11-28")
    .nullable()
    .default(null)
    .describe("date for the chat template, such as 2026-11-28; null for none"),
};

/** How tasks are rendered as prompts. */
export const PromptConfig = z.strictObject(PROMPT_FIELDS);
/** How tasks are rendered as prompts. */
export type PromptConfig = z.infer<typeof PromptConfig>;
