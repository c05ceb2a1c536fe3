import { tokenText, type TokenizerFiles } from "./tokenizer-files.js";

/** Special tokens that templates can use as variables. */
const NAMES = [
  ...["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"],
] as const;

const END_OF_TEXT = "<|endoftext|>";
const LLAMA = { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" };
const GEMMA = {
  bos_token: "<bos>",
  eos_token: "<eos>",
  unk_token: "<unk>",
  pad_token: "<pad>",
  mask_token: "<mask>",
};
const GPT2 = { bos_token: END_OF_TEXT, eos_token: END_OF_TEXT, unk_token: END_OF_TEXT };
const QWEN2 = { eos_token: END_OF_TEXT, unk_token: END_OF_TEXT, pad_token: END_OF_TEXT };

/** Defaults of a Transformers class for tokens that no file names. */
const CLASS_DEFAULTS = new Map<unknown, Readonly<Record<string, string>>>([
  ["LlamaTokenizer", LLAMA],
  ["CodeLlamaTokenizer", LLAMA],
  ["GemmaTokenizer", GEMMA],
  ["GPT2Tokenizer", GPT2],
  ["Qwen2Tokenizer", QWEN2],
]);

/**
 * Returns the special tokens that the files name, by their variable names, as Transformers reads them. In folders
 * of older versions, which have no `added_tokens_decoder`, special_tokens_map.json overrides the config; a token
 * that neither names is the default of the tokenizer's class.
 */
export function namedTokens(files: TokenizerFiles): Readonly<Record<string, string>> {
  const tokens: Record<string, string> = {};
  const ofClass = CLASS_DEFAULTS.get(tokenizerClass(files)) ?? {};
  const isOlder = files.config["added_tokens_decoder"] === undefined;
  const fields = isOlder ? { ...files.config, ...files.specialTokens } : files.config;
  for (const name of NAMES) {
    const own = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const text = tokenText(own);
    if (text !== null) tokens[name] = text;
    // A null says that there is none.
    else if (own === undefined && ofClass[name] !== undefined) tokens[name] = ofClass[name];
  }
  return tokens;
}

/**
 * Returns the class that reads these files in Transformers, without the suffix of the fast classes: the one in the
 * config, or, if the config names none, that of the model's type.
 */
export function tokenizerClass(files: TokenizerFiles): string | null {
  const given = files.config["tokenizer_class"];
  const name = typeof given === "string" ? given.replace(/Fast$/, "") : null;
  const isGeneric = name === null || name === "PreTrainedTokenizer" || name === "TokenizersBackend";
  const modelType = files.modelConfig["model_type"];
  return isGeneric && (modelType === "qwen2" || modelType === "qwen3") ? "Qwen2Tokenizer" : name;
}
