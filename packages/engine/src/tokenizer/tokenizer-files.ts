import { jsonProblem } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";

/** A JSON object that is not checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The parsed files of a tokenizer; absent ones are empty. */
export interface TokenizerFiles {
  /** `tokenizer.json`; null if the folder has only a vocabulary. */
  readonly tokenizer: JsonObject | null;
  /** `vocab.json` and the text of `merges.txt`, as in older folders; null if there is a tokenizer.json. */
  readonly vocabulary: { readonly vocab: JsonObject; readonly merges: string } | null;
  readonly config: JsonObject;
  readonly modelConfig: JsonObject;
  readonly generationConfig: JsonObject;
  /** `special_tokens_map.json`, written by older versions of Transformers. */
  readonly specialTokens: JsonObject;
  /** `added_tokens.json`, written by them too. */
  readonly addedTokens: JsonObject;
  /** A template in a file of its own, which overrides the one in the config. */
  readonly chatTemplate: string | null;
}

/** @throws TokenizerError naming the file that is missing or not a JSON object */
export function parseTokenizerFiles(assets: Readonly<Record<string, string>>): TokenizerFiles {
  const rest = {
    config: parseObject("tokenizer_config.json", assets["tokenizer_config.json"]),
    modelConfig: parseObject("config.json", assets["config.json"]),
    generationConfig: parseObject("generation_config.json", assets["generation_config.json"]),
    specialTokens: parseObject("special_tokens_map.json", assets["special_tokens_map.json"]),
    addedTokens: parseObject("added_tokens.json", assets["added_tokens.json"]),
    chatTemplate: assets["chat_template.jinja"] ?? null,
  };
  if (assets["tokenizer.json"] !== undefined) {
    const tokenizer = parseObject("tokenizer.json", assets["tokenizer.json"]);
    return { ...rest, tokenizer, vocabulary: null };
  }
  const merges = assets["merges.txt"];
  if (assets["vocab.json"] === undefined || merges === undefined) {
    throw new TokenizerError("tokenizer.json", "is missing");
  }
  const vocab = parseObject("vocab.json", assets["vocab.json"]);
  return { ...rest, tokenizer: null, vocabulary: { vocab, merges } };
}

/** Returns the text of a token that a config gives as a string or as an object with `content`. */
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
    throw new TokenizerError(file, jsonProblem(error), error);
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  throw new TokenizerError(file, "is not a JSON object");
}
