import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { ModelFolderError, TokenizerError } from "../errors.js";
import type { ModelConfig } from "../weights/model-config.js";
import { Tokenizer } from "./tokenizer.js";

/** The part of a model folder that concerns its tokenizer. */
export interface TokenizerFolder {
  readonly dir: string;
  readonly assets: Readonly<Record<string, string>>;
  /** The model that the tokenizer must fit; null for the tokenizer alone. */
  readonly config: ModelConfig | null;
}

/** Files that Transformers can convert to a tokenizer.json. */
const CONVERTIBLE = /\.model$|^vocab\.txt$|\.tiktoken$|^tekken\.json$/;

/**
 * Opens the tokenizer of a model folder, and checks that it belongs to the model.
 *
 * @throws ModelFolderError naming the folder and what is missing; TokenizerError naming the file
 */
export async function openTokenizer({ dir, assets, config }: TokenizerFolder): Promise<Tokenizer> {
  const hasVocabulary = assets["vocab.json"] !== undefined && assets["merges.txt"] !== undefined;
  if (assets["tokenizer.json"] === undefined && !hasVocabulary) {
    throw new ModelFolderError({ file: dir }, `has no tokenizer.json${await otherFiles(dir)}`);
  }
  let tokenizer: Tokenizer;
  try {
    tokenizer = Tokenizer.fromAssets(assets);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    throw new ModelFolderError({ file: join(dir, error.subject) }, error.problem, error);
  }
  if (config !== null) checkSize(dir, tokenizer, config);
  return tokenizer;
}

/**
 * Requires an end token, and says which file must name one.
 *
 * @throws ModelFolderError if there is none: answers would never end
 */
export function requireEndToken(dir: string, tokenizer: Tokenizer): void {
  if (tokenizer.stopTokenIds.length > 0) return;
  const looked =
    "config.json, generation_config.json, tokenizer_config.json, special_tokens_map.json";
  const problem = `names no end token, so that no answer would end (looked in ${looked})`;
  throw new ModelFolderError({ file: dir }, `${problem}: set eos_token_id in config.json`);
}

function checkSize(dir: string, tokenizer: Tokenizer, { vocabularySize }: ModelConfig): void {
  const largest = tokenizer.vocabularySize - 1;
  if (largest >= vocabularySize) {
    const problem = `has ids up to ${largest}, but config.json vocab_size is ${vocabularySize}`;
    const hint = "the embedding was not resized when tokens were added";
    throw new ModelFolderError({ file: join(dir, "tokenizer.json") }, `${problem}: ${hint}`);
  }
  const end = tokenizer.stopTokenIds.find((id) => id >= vocabularySize);
  if (end === undefined) return;
  const problem = `names the end token ${end}, but config.json vocab_size is ${vocabularySize}`;
  throw new ModelFolderError({ file: dir }, problem);
}

async function otherFiles(dir: string): Promise<string> {
  const names = await readdir(dir).catch(() => []);
  const other = names.sort().find((name) => CONVERTIBLE.test(name));
  if (other === undefined) return "";
  const command =
    "python -c 'import sys; from transformers import AutoTokenizer as T; " +
    `T.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[1])' ${JSON.stringify(dir)}`;
  return `; it holds ${other}, of which one command makes it: ${command}`;
}
