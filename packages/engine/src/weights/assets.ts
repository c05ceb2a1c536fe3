import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, jsonProblem } from "@gumshoe/core";

import { ModelFolderError } from "../errors.js";

/** The text files of a model folder that belong to its checkpoints. */
const ASSET_NAMES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
] as const;
/**
 * Reads the text files of a model folder.
 *
 * @throws ModelFolderError when there is no such folder
 */
export async function readAssets(dir: string): Promise<Record<string, string>> {
  const found = await stat(dir).catch(() => null);
  if (found === null) throw new ModelFolderError({ file: dir }, "does not exist");
  if (!found.isDirectory()) throw new ModelFolderError({ file: dir }, "is not a folder");
  const assets: Record<string, string> = {};
  for (const name of ASSET_NAMES) {
    const text = await readIfThere(join(dir, name));
    if (text !== null) assets[name] = text;
  }
  return assets;
}

/** Reads a text file; null when there is none. */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ModelFolderError({ file }, `cannot be read: ${errorMessage(error)}`, error);
  }
}

/** @throws ModelFolderError naming the file */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFolderError({ file }, jsonProblem(error), error);
  }
}
