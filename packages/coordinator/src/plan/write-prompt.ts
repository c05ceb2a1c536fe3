import { InvalidArgumentError } from "@gumshoe/core";
import { type Message, TemplateDateError, type Tokenizer, TokenizerError } from "@gumshoe/engine";
import { type RunConfig } from "@gumshoe/config";

/** Written to see whether a template needs a date: what every conversation has. */
const TRIAL: readonly Message[] = [{ role: "user", content: "?" }];

/**
 * Returns the tokens of a task's prompt. They depend on the config and the model's files alone: no clock
 * is read.
 *
 * @throws InvalidArgumentError naming tasks.date when the chat template asks for a date and there is none
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
    if (!(cause instanceof TemplateDateError)) throw cause;
    const problem = "is missing: the model's chat template asks for the date";
    const suggestion = "set it, such as 2026-11-28; the run keeps it on all days";
    throw new InvalidArgumentError("tasks.date", problem, { suggestion, cause });
  }
}

/**
 * Looks whether a model's chat template has what it needs, before any task is drawn.
 *
 * @throws InvalidArgumentError naming the field
 */
export function checkPrompts(config: RunConfig, tokenizer: Tokenizer): void {
  try {
    writePrompt(config, tokenizer, TRIAL);
  } catch (error) {
    // A template may want other messages than these; the tasks have them.
    if (!(error instanceof TokenizerError)) throw error;
  }
}
