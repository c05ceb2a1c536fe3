import { shownValue } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { checkId, idsOfModel, readModel } from "./check-model.js";
import { partOf, refuse } from "./tokenizer-part.js";
import type { JsonObject } from "./tokenizer-files.js";
import { GPT2_WORDS, readWordPattern } from "./word-pattern.js";

/** Parts of a pipeline, counting those of nested sequences. */
const MAX_PARTS = 64;
/** Factor by which normalizers may lengthen a text. */
const MAX_GROWTH = 64;
const MAX_TEXT = 1000;

const NORMALIZERS = ["NFC", "NFD", "NFKC", "NFKD", "Prepend", "Replace", "Sequence"];
/** Punctuation in Rust: that of Unicode, and all signs of ASCII. */
const PUNCTUATION = "[\\p{P}$+<=>^`|~]";
const PRE_TOKENIZERS = ["ByteLevel", "Digits", "Metaspace", "Punctuation", "Sequence", "Split"];

/**
 * Checks a `tokenizer.json`, and returns it in the form in which the library splits texts as the Rust library does.
 * Parts that it would handle differently are refused by name.
 *
 * @throws TokenizerError naming the part
 */
export function checkTokenizer(json: JsonObject): JsonObject {
  const model = readModel(partOf(json["model"], "model"));
  checkAddedTokens(json["added_tokens"] ?? [], json["normalizer"] ?? null);
  checkAddedIds((json["added_tokens"] ?? []) as AddedToken[], model);
  const growth = { factor: 1, numParts: 0 };
  const normalizer = mapParts(json["normalizer"] ?? null, "normalizers", (part) =>
    readNormalizer(part, growth),
  );
  checkMetaspace(json);
  const hasSpaces = !replacesSpaces(json["normalizer"] ?? null);
  const preTokenizer = mapParts(json["pre_tokenizer"] ?? null, "pretokenizers", (part) =>
    readPreTokenizer(part, hasSpaces),
  );
  // Nothing is added to prompts, and our own decoder produces the texts.
  return {
    ...json,
    added_tokens: json["added_tokens"] ?? [],
    model,
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder: null,
  };
}

/**
 * Checks that `tokenizer_config.json` requires nothing beyond `tokenizer.json`: for such fields Transformers
 * follows the config, and the Rust library the tokenizer.
 *
 * @throws TokenizerError naming the field
 */
export function checkTokenizerConfig(
  config: JsonObject,
  json: JsonObject,
  className: string,
): void {
  const refuseField = (field: string, problem: string) => {
    throw new TokenizerError("tokenizer_config.json", `has ${field}: ${problem}`);
  };
  if (config["split_special_tokens"] === true) {
    refuseField("split_special_tokens: true", "special tokens are always whole here");
  }
  const parts = JSON.stringify([json["normalizer"] ?? null, json["pre_tokenizer"] ?? null]);
  const isByteLevel = parts.includes('"ByteLevel"');
  if (config["add_prefix_space"] === true && isByteLevel) {
    refuseField("add_prefix_space: true", "the ByteLevel of tokenizer.json adds none");
  }
  const addsSpace = /"type":"Prepend"|"prepend_scheme":"(?:always|first)"/.test(parts);
  if (config["add_prefix_space"] === false && className === "LlamaTokenizer" && addsSpace) {
    refuseField("add_prefix_space: false", "tokenizer.json puts a space before a text");
  }
}

function checkAddedTokens(tokens: unknown, normalizer: unknown): void {
  if (!Array.isArray(tokens)) refuse("has added_tokens that are no list");
  const changesText = /"(?:Prepend|Replace)"/.test(JSON.stringify(normalizer));
  for (const one of tokens as unknown[]) {
    const token = partOf(one, "added token");
    const content = token["content"];
    if (typeof content !== "string" || content === "") refuse("has an added token without content");
    checkId(content, token["id"]);
    if (token["single_word"] === true) {
      refuse(`has the added token ${shownValue(content)} as single_word, not known here`);
    }
    const isPlain = !changesText && /^[ -~]+$/.test(content);
    const strips = token["lstrip"] === true || token["rstrip"] === true;
    if (strips && /^\s+$/.test(content)) {
      refuse(`strips white space around the added token ${shownValue(content)}, not known here`);
    }
    if (token["normalized"] === true && normalizer !== null && !isPlain) {
      refuse(`normalizes the added token ${shownValue(content)}, not known here`);
    }
  }
}

/**
 * Refuses a Metaspace that prepends its sign to the first word where the library would take another
 * word for the first: after other pre-tokenizers, or when a normalizer replaces the beginning.
 */
function checkMetaspace(json: JsonObject): void {
  const parts = flatParts(json["pre_tokenizer"] ?? null, "pretokenizers");
  const at = parts.findIndex(
    (part) => part["type"] === "Metaspace" && part["prepend_scheme"] === "first",
  );
  if (at > 0) refuse("has a Metaspace with prepend_scheme first behind others, not known here");
  const isPattern = ({ pattern }: JsonObject) =>
    typeof pattern === "object" && pattern !== null && "Regex" in pattern;
  const changes = flatParts(json["normalizer"] ?? null, "normalizers").some(isPattern);
  if (at === 0 && changes) {
    refuse("has a Metaspace with prepend_scheme first and a Replace by a Regex, not known here");
  }
}

/** Lists the parts of a pipeline without its sequences; what is no part is checked elsewhere. */
function flatParts(value: unknown, list: string): JsonObject[] {
  if (typeof value !== "object" || value === null) return [];
  const part = value as JsonObject;
  const inner = part["type"] === "Sequence" ? part[list] : null;
  return Array.isArray(inner) ? inner.flatMap((one) => flatParts(one, list)) : [part];
}

interface AddedToken {
  readonly content: string;
  readonly id: number;
}

/**
 * Checks that added tokens have the ids that the Rust library gives them, whatever the file says: that of the
 * vocabulary, or else one after the other from the vocabulary's size on.
 *
 * @param tokens  checked
 */
function checkAddedIds(tokens: readonly AddedToken[], model: JsonObject): void {
  const { size, idOf } = idsOfModel(model);
  const given = new Map<string, number>();
  let next = size;
  for (const { content, id: said } of tokens) {
    const id = idOf(content) ?? given.get(content) ?? next++;
    given.set(content, id);
    if (id === said) continue;
    refuse(
      `gives the added token ${shownValue(content)} the id ${said}; Transformers gives it ${id}`,
    );
  }
}

/** Checks the parts of a pipeline, nested sequences included, and replaces some by equivalents. */
function mapParts(
  value: unknown,
  list: string,
  read: (part: JsonObject) => JsonObject | readonly JsonObject[],
  parts = { count: 0 },
): JsonObject | null {
  if (value === null) return null;
  const part = partOf(value, list);
  if (++parts.count > MAX_PARTS) refuse(`has more than ${MAX_PARTS} ${list}`);
  if (part["type"] !== "Sequence") {
    const made = read(part);
    return Array.isArray(made) ? { type: "Sequence", [list]: made } : (made as JsonObject);
  }
  const inner = part[list];
  if (!Array.isArray(inner)) refuse(`has a sequence without ${list}`);
  const mapped = (inner as unknown[]).map((one) => mapParts(one, list, read, parts));
  return { ...part, [list]: mapped };
}

function readNormalizer(part: JsonObject, growth: { factor: number }): JsonObject {
  const type = knownType(part, "normalizer", NORMALIZERS);
  const content = part["content"] ?? part["prepend"] ?? "";
  if (typeof content !== "string" || content.length > MAX_TEXT) {
    refuse(`has a normalizer ${type} with a text of more than ${MAX_TEXT} characters`);
  }
  if (type !== "Replace") return part;
  const pattern = readPattern(part["pattern"]);
  const found = "String" in pattern ? String(pattern["String"]).length : 1;
  if (found === 0) refuse("has a normalizer that replaces an empty text");
  growth.factor *= Math.max(1, content.length / found);
  if (growth.factor > MAX_GROWTH) {
    refuse(`has normalizers that make a text more than ${MAX_GROWTH} times as long`);
  }
  return { ...part, pattern };
}

/** Returns whether no space is left after a normalizer. */
function replacesSpaces(normalizer: unknown): boolean {
  const part = (normalizer ?? {}) as JsonObject;
  const inner = part["normalizers"];
  if (Array.isArray(inner)) return (inner as unknown[]).some(replacesSpaces);
  const pattern = part["pattern"] as JsonObject | undefined;
  const isSpace = part["type"] === "Replace" && pattern?.["String"] === " ";
  return isSpace && !String(part["content"]).includes(" ");
}

function readPreTokenizer(
  part: JsonObject,
  hasSpaces: boolean,
): JsonObject | readonly JsonObject[] {
  const type = knownType(part, "pre-tokenizer", PRE_TOKENIZERS);
  switch (type) {
    case "ByteLevel": {
      if (part["add_prefix_space"] === true) {
        refuse("has a ByteLevel with add_prefix_space, not known here");
      }
      if (part["use_regex"] === false) return part;
      return [splitting(GPT2_WORDS), { ...part, use_regex: false }];
    }
    case "Digits":
      // The library matches ASCII digits only.
      return splitting(part["individual_digits"] === true ? "\\p{N}" : "\\p{N}+");
    case "Punctuation": {
      // The library never isolates a character.
      const behavior = part["behavior"] ?? "Isolated";
      if (behavior === "Isolated") return splitting(PUNCTUATION);
      if (behavior === "Contiguous") return splitting(`${PUNCTUATION}+`);
      return refuse(`has a Punctuation with behavior ${shownValue(behavior)}, not known here`);
    }
    case "Split":
      return readSplit(part, hasSpaces);
    default:
      return part;
  }
}

function splitting(words: string): JsonObject {
  const pattern = { Regex: readWordPattern(words) };
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}

function readSplit(part: JsonObject, hasSpaces: boolean): JsonObject {
  const pattern = readPattern(part["pattern"]);
  const { behavior, invert = false } = part;
  const isKnown =
    (behavior === "Isolated" && invert === false) ||
    (behavior === "Removed" && invert === true) ||
    // Gemma's: it splits at a space, which the normalizer has replaced before.
    (behavior === "MergedWithPrevious" && pattern["String"] === " " && !hasSpaces);
  if (isKnown) return { ...part, pattern };
  const how = `${shownValue(behavior)}${invert === true ? ", inverted" : ""}`;
  return refuse(`has a Split with behavior ${how}, not known here`);
}

function readPattern(value: unknown): JsonObject {
  const pattern = partOf(value, "pattern");
  const { Regex: regex, String: text } = pattern;
  if (typeof text === "string" && text.length <= MAX_TEXT) return { String: text };
  if (typeof regex === "string") return { Regex: readWordPattern(regex) };
  return refuse("has a pattern that is neither a Regex nor a String");
}

function knownType(part: JsonObject, kind: string, known: readonly string[]): string {
  const { type } = part;
  if (typeof type === "string" && known.includes(type)) return type;
  const given = shownValue(type ?? null);
  return refuse(`has a ${kind} of type ${given}; known are ${known.join(", ")}`);
}
