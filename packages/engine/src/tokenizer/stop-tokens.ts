import { shownValue } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { findTemplate } from "./chat-template.js";
import { namedTokens } from "./named-tokens.js";
import type { JsonObject, TokenizerFiles } from "./tokenizer-files.js";

/** Tokens that end a turn. If the chat template writes one, it also ends an answer. */
const TURN_ENDS = ["<|im_end|>", "<|eot_id|>"] as const;

/**
 * Collects the tokens that end an answer from every file that can name them: the generation and the model config,
 * the tokenizer's end of sequence, and the end of a turn in the chat template.
 *
 * @throws TokenizerError naming the file whose end tokens are not ids
 */
export function findStopTokens(
  files: TokenizerFiles,
  idOf: (token: string) => number | null,
): number[] {
  const template = findTemplate(files) ?? "";
  const texts: (string | null)[] = [namedTokens(files)["eos_token"] ?? null];
  texts.push(...TURN_ENDS.filter((token) => template.includes(token)));
  const numbers = texts.map((text) => (text === null ? null : idOf(text)));
  const ids = numbers.filter((id) => id !== null);
  ids.push(...idsOf("generation_config.json", files.generationConfig));
  ids.push(...idsOf("config.json", files.modelConfig));
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** Reads the end tokens of a config. @throws TokenizerError naming the file */
function idsOf(file: string, config: JsonObject): number[] {
  const value = config["eos_token_id"] ?? [];
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map((id) => {
    if (Number.isSafeInteger(id) && Number(id) >= 0) return Number(id);
    throw new TokenizerError(file, `eos_token_id holds ${shownValue(id)}, not a token id`);
  });
}
