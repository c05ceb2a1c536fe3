import { findTemplate } from "./chat-template.js";
import { namedTokens } from "./named-tokens.js";
import { type TokenizerFiles } from "./tokenizer-files.js";

/** Tokens that end a turn: a chat template that writes one makes it the end of an answer. */
const TURN_ENDS = ["<|im_end|>", "<|eot_id|>"] as const;

/**
 * Gathers the tokens that end an answer from all files that may name them: the generation and the
 * model config, the tokenizer's end of sequence, and the end of a turn in the chat template.
 */
export function findStopTokens(
  files: TokenizerFiles,
  idOf: (token: string) => number | null,
): number[] {
  const template = findTemplate(files) ?? "";
  const texts: (string | null)[] = [namedTokens(files)["eos_token"] ?? null];
  texts.push(...TURN_ENDS.filter((token) => template.includes(token)));
  const ids: unknown[] = texts.map((text) => (text === null ? null : idOf(text)));
  for (const config of [files.generationConfig, files.modelConfig]) {
    const value = config["eos_token_id"];
    ids.push(...(Array.isArray(value) ? (value as unknown[]) : [value]));
  }
  const numbers = ids.filter((id): id is number => Number.isSafeInteger(id) && Number(id) >= 0);
  return [...new Set(numbers)].sort((a, b) => a - b);
}
