import { InvalidArgumentError } from "@gumshoe/core";
import { type Message, TemplateDateError, type Tokenizer, TokenizerError } from "@gumshoe/engine";
import type { RunConfig } from "@gumshoe/config";

/** The smallest conversation: rendered to find out whether a template needs a date. */
const TRIAL: readonly Message[] = [{ role: "user", content: "?" }];

/**
 * Renders and tokenizes a task's prompt. The tokens depend only on the config and the model's
 * files: no clock is read.
 *
 * @throws InvalidArgumentError naming the model when its chat template cannot render the messages,
 *   and tasks.date when the template needs a date and none is given
 */
export function writePrompt(
  config: RunConfig,
  tokenizer: Tokenizer,
  messages: readonly Message[],
): number[] {
  const { template: variables, date } = config.tasks;
  try {
    return tokenizer.encodeChat(messages, { variables, date });
  } catch (cause) {
    if (cause instanceof TokenizerError) {
      throw new InvalidArgumentError("model", `${config.model}: ${cause.message}`, { cause });
    }
    if (!(cause instanceof TemplateDateError)) throw cause;
    const problem = "is missing: the model's chat template asks for the date";
    const suggestion = "set it, for example to 2026-11-28; the run uses this date on every day";
    throw new InvalidArgumentError("tasks.date", problem, { suggestion, cause });
  }
}

/**
 * Checks, before any task is drawn, that a model's chat template has what it needs.
 *
 * @throws InvalidArgumentError naming the field
 */
export function checkPrompts(config: RunConfig, tokenizer: Tokenizer): void {
  try {
    writePrompt(config, tokenizer, TRIAL);
  } catch (error) {
    // A template may require other messages than the trial one; the tasks may have them.
    const isModel = error instanceof InvalidArgumentError && error.field === "model";
    if (!isModel) throw error;
  }
}
