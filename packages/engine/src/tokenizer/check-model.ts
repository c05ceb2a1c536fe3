import { shownValue } from "@gumshoe/core";

import { type JsonObject } from "./tokenizer-files.js";
import { partOf, refuse } from "./tokenizer-part.js";

/** Greatest id; those of published vocabularies end below 300,000. */
const MAX_ID = 4_194_304;

const MODELS = ["BPE", "Unigram"];

/**
 * Checks the model of a `tokenizer.json` and adds its type, without which the library would choose another kind.
 *
 * @throws TokenizerError
 */
export function readModel(model: JsonObject): JsonObject {
  const type = model["type"] ?? "BPE";
  if (!MODELS.includes(type as string)) {
    refuse(`has a model of type ${shownValue(type)}; known are ${MODELS.join(", ")}`);
  }
  if (type === "Unigram") checkUnigram(model);
  else checkPairs(model);
  return { ...model, type };
}

function checkPairs(model: JsonObject): void {
  if ((model["dropout"] ?? 0) !== 0) refuse("has a BPE with dropout, which is random");
  if ((model["continuing_subword_prefix"] ?? "") !== "") {
    refuse("has a BPE with continuing_subword_prefix, not known here");
  }
  const suffix = model["end_of_word_suffix"] ?? "";
  if (suffix !== "" && losesLetters(model)) {
    refuse("has a BPE with end_of_word_suffix and without unk_token, not known here");
  }
  const vocab = partOf(model["vocab"], "vocabulary");
  for (const [token, id] of Object.entries(vocab)) checkId(token, id);
  const { merges } = model;
  if (!Array.isArray(merges)) refuse("has a BPE without merges");
  if (merges.length > MAX_ID) refuse(`has ${merges.length} merges; ${MAX_ID} are taken`);
  const isPair = typeof (merges as unknown[])[0] === "string" ? isText : isTextPair;
  const wrong = (merges as unknown[]).find((merge) => !isPair(merge));
  if (wrong !== undefined) refuse(`has a merge that is no pair: ${shownValue(wrong)}`);
}

function checkUnigram(model: JsonObject): void {
  const { vocab, unk_id: unknown = null } = model;
  if (!Array.isArray(vocab)) refuse("has a Unigram without a list of tokens");
  const { length } = vocab as unknown[];
  if (length === 0 || length > MAX_ID) refuse(`has ${length} tokens; 1 to ${MAX_ID} are taken`);
  const wrong = (vocab as unknown[]).find((entry) => !isScoredToken(entry));
  if (wrong !== undefined) refuse(`has a token without a score: ${shownValue(wrong)}`);
  if (unknown === null) return;
  if (!Number.isSafeInteger(unknown) || Number(unknown) < 0 || Number(unknown) >= length) {
    refuse(`has the unk_id ${shownValue(unknown)}, which is none of its ${length} tokens`);
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isTextPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isText);
}

function isScoredToken(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [token, score] = value as unknown[];
  return value.length === 2 && isText(token) && typeof score === "number";
}

/** Returns whether characters without a token are dropped, as Rust's BPE does if there is no unknown token. */
export function losesLetters(model: JsonObject): boolean {
  const isBpe = (model["type"] ?? "BPE") === "BPE";
  return isBpe && (model["unk_token"] ?? null) === null && model["byte_fallback"] !== true;
}

/** @throws TokenizerError when a token's id is no valid id */
export function checkId(token: string, id: unknown): void {
  if (Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < MAX_ID) return;
  refuse(
    `gives ${shownValue(token)} the id ${shownValue(id)}, not an integer from 0 to ${MAX_ID - 1}`,
  );
}
