import { InvalidArgumentError } from "@gumshoe/core";
import {
  type ChatOptions,
  TemplateDateError,
  type Tokenizer,
  TokenizerError,
} from "@gumshoe/engine";
import type { Message } from "@gumshoe/puzzles";

/**
 * Renders a chat, and returns its token ids.
 *
 * @throws InvalidArgumentError naming --date when the chat template needs a date and none is given,
 *   and --model when it cannot render the prompt
 */
export function writeChat(
  { folder, tokenizer }: { folder: string; tokenizer: Tokenizer },
  messages: readonly Message[],
  chat: ChatOptions,
): number[] {
  try {
    return tokenizer.encodeChat([...messages], chat);
  } catch (cause) {
    if (cause instanceof TokenizerError) {
      throw new InvalidArgumentError("--model", `${folder}: ${cause.message}`, { cause });
    }
    if (!(cause instanceof TemplateDateError)) throw cause;
    const problem = "is missing: the model's chat template asks for the date";
    throw new InvalidArgumentError("--date", problem, { suggestion: "--date 2026-11-28", cause });
  }
}
