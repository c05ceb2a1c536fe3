import { shownValue } from "@gumshoe/core";

import type { JsonObject } from "./tokenizer-files.js";
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
  checkIds(vocab);
  const { merges } = model;
  if (!Array.isArray(merges)) refuse("has a BPE without merges");
  if (merges.length > MAX_ID) refuse(`has ${merges.length} merges; ${MAX_ID} are taken`);
  const isPair = typeof (merges as unknown[])[0] === "string" ? isText : isTextPair;
  const wrong = (merges as unknown[]).find((merge) => !isPair(merge));
  if (wrong !== undefined) refuse(`has a merge that is no pair: ${shownValue(wrong)}`);
  checkMerges(merges as (string | readonly string[])[], vocab);
}

/** @throws TokenizerError when the id of a token is none, or that of another token */
function checkIds(vocab: JsonObject): void {
  const tokens = new Map<unknown, string>();
  for (const [token, id] of Object.entries(vocab)) {
    checkId(token, id);
    const other = tokens.get(id);
    if (other !== undefined) {
      refuse(`gives ${shownValue(other)} and ${shownValue(token)} the same id, ${Number(id)}`);
    }
    tokens.set(id, token);
  }
}

/** Merges of tokens that the vocabulary lacks are of another vocabulary; the Rust library refuses them. */
function checkMerges(merges: readonly (string | readonly string[])[], vocab: JsonObject): void {
  for (const merge of merges) {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    if (pair.length !== 2) refuse(`has a merge that is no pair: ${shownValue(merge)}`);
    const missing = [...pair, pair.join("")].find((token) => !Object.hasOwn(vocab, token));
    if (missing === undefined) continue;
    refuse(
      `has the merge ${shownValue(merge)}, but ${shownValue(missing)} is not in its vocabulary`,
    );
  }
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

/** Returns the ids of a checked model's tokens by their text, and their number. */
export function idsOfModel(model: JsonObject): {
  readonly size: number;
  readonly idOf: (token: string) => number | undefined;
} {
  const { vocab } = model as {
    vocab: readonly (readonly [string, number])[] | Record<string, number>;
  };
  if (Array.isArray(vocab)) {
    const ids = new Map((vocab as [string, number][]).map(([token], id) => [token, id]));
    return { size: vocab.length, idOf: (token) => ids.get(token) };
  }
  const ids = vocab as Record<string, number>;
  const size = Object.keys(ids).length;
  return { size, idOf: (token) => (Object.hasOwn(ids, token) ? ids[token] : undefined) };
}

/** @throws TokenizerError when a token's id is no valid id */
export function checkId(token: string, id: unknown): void {
  if (Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < MAX_ID) return;
  refuse(
    `gives ${shownValue(token)} the id ${shownValue(id)}, not an integer from 0 to ${MAX_ID - 1}`,
  );
}
