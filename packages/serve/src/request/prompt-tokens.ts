import { ClusterError, errorMessage } from "@gumshoe/core";
import {
  type ChatOptions,
  TemplateDateError,
  type Tokenizer,
  TokenizerError,
} from "@gumshoe/engine";

import type { ServedModel } from "../engine/served-model.js";
import { WrongFieldError } from "../errors.js";
import type { ChatRequest } from "./chat-request.js";
import type { CompletionRequest } from "./completion-request.js";
import type { Sampling } from "./sampling-fields.js";

/** Characters that one token may stand for, at most: longer texts are refused before they are tokenized. */
const MAX_CHARACTERS_PER_TOKEN = 64;

/** Returns the token ids of a conversation. @throws WrongFieldError */
export function chatTokens(
  model: ServedModel,
  { messages, variables }: ChatRequest,
  chat: ChatOptions,
): number[] {
  const numCharacters = messages.reduce((sum, { content }) => sum + content.length, 0);
  checkCharacters(model, numCharacters, "messages");
  try {
    return model.tokenizer.encodeChat(messages, {
      ...chat,
      variables: { ...chat.variables, ...variables },
    });
  } catch (thrown) {
    if (thrown instanceof TemplateDateError) {
      const problem = "the chat template asks for the date: start the server with --date";
      throw new WrongFieldError("messages", problem);
    }
    throw refusal("messages", thrown);
  }
}

/** Returns the token ids of each prompt. @throws WrongFieldError */
export function promptTokens(model: ServedModel, { prompts }: CompletionRequest): number[][] {
  return prompts.map((prompt, i) => {
    const field = prompts.length === 1 ? "prompt" : `prompt[${i}]`;
    if (typeof prompt !== "string") return checkIds(model.tokenizer, field, prompt);
    if (prompt === "") throw new WrongFieldError(field, "is empty: nothing predicts an answer");
    checkCharacters(model, prompt.length, field);
    try {
      return model.tokenizer.encode(prompt);
    } catch (thrown) {
      throw refusal(field, thrown);
    }
  });
}

/**
 * Returns how many tokens an answer may have.
 *
 * @param most  the server's limit
 * @throws      WrongFieldError when the request asks for more than the limit or the model's positions allow
 */
export function answerTokens(
  model: ServedModel,
  prompt: { readonly field: string; readonly numTokens: number },
  sampling: Sampling,
  most: number,
): number {
  const allowed = allowedTokens(model, prompt, sampling, most);
  if (sampling.minNewTokens <= allowed) return allowed;
  const problem = `is ${sampling.minNewTokens}, and an answer may have ${allowed} tokens`;
  throw new WrongFieldError("min_tokens", problem);
}

function allowedTokens(
  { maxPositions }: ServedModel,
  prompt: { readonly field: string; readonly numTokens: number },
  { maxTokens, maxTokensField }: Sampling,
  most: number,
): number {
  const left = maxPositions - prompt.numTokens;
  if (left < 1) {
    const problem = `has ${prompt.numTokens} tokens; the model has ${maxPositions} positions, for prompt and answer`;
    throw new WrongFieldError(prompt.field, problem, "context_length_exceeded");
  }
  if (maxTokens === null) return Math.min(left, most);
  if (maxTokens > most) {
    throw new WrongFieldError(maxTokensField, `is ${maxTokens}; this server allows ${most}`);
  }
  if (maxTokens > left) {
    const problem =
      `is ${maxTokens}, and the prompt has ${prompt.numTokens} tokens; ` +
      `the model has ${maxPositions} positions, for both`;
    throw new WrongFieldError(maxTokensField, problem, "context_length_exceeded");
  }
  return maxTokens;
}

function checkCharacters({ maxPositions }: ServedModel, length: number, field: string): void {
  if (length <= maxPositions * MAX_CHARACTERS_PER_TOKEN) return;
  const problem = `has ${length} characters, which is more than the model's ${maxPositions} positions hold`;
  throw new WrongFieldError(field, problem, "context_length_exceeded");
}

function checkIds(tokenizer: Tokenizer, field: string, ids: readonly number[]): number[] {
  const wrong = ids.find((id) => id >= tokenizer.vocabularySize);
  if (wrong === undefined) return [...ids];
  const problem = `has the token ${wrong}; the tokenizer has ids up to ${tokenizer.vocabularySize - 1}`;
  throw new WrongFieldError(field, problem);
}

function refusal(field: string, thrown: unknown): unknown {
  const isOurs = thrown instanceof TokenizerError || thrown instanceof ClusterError;
  return isOurs ? new WrongFieldError(field, errorMessage(thrown)) : thrown;
}
