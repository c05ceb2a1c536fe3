import { errorMessage } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The parsed files that a tokenizer is made from; absent ones are empty. */
export interface TokenizerFiles {
  readonly tokenizer: JsonObject;
  readonly config: JsonObject;
  readonly modelConfig: JsonObject;
  readonly generationConfig: JsonObject;
  /** `special_tokens_map.json`, which older versions of Transformers write. */
  readonly specialTokens: JsonObject;
  /** A template in a file of its own, which goes before the one in the config. */
  readonly chatTemplate: string | null;
}

/** @throws TokenizerError naming the file that is missing or no JSON object */
export function parseTokenizerFiles(assets: Readonly<Record<string, string>>): TokenizerFiles {
  if (assets["tokenizer.json"] === undefined) {
    throw new TokenizerError("tokenizer.json", "is missing");
  }
  return {
    tokenizer: parseObject("tokenizer.json", assets["tokenizer.json"]),
    config: parseObject("tokenizer_config.json", assets["tokenizer_config.json"]),
    modelConfig: parseObject("config.json", assets["config.json"]),
    generationConfig: parseObject("generation_config.json", assets["generation_config.json"]),
    specialTokens: parseObject("special_tokens_map.json", assets["special_tokens_map.json"]),
    chatTemplate: assets["chat_template.jinja"] ?? null,
  };
}

/** Returns the text of a token that a config names as a string or as an object with `content`. */
export function tokenText(value: unknown): string | null {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : null;
}

function parseObject(file: string, text: string | undefined): JsonObject {
  if (text === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TokenizerError(file, `is not JSON: ${errorMessage(error)}`, error);
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  throw new TokenizerError(file, "is not a JSON object");
}
