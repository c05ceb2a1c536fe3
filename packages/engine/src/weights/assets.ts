import { readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, jsonProblem } from "@gumshoe/core";

import { ModelFolderError } from "../errors.js";

/** The text files of a model folder that its checkpoints need too. */
export const ASSET_NAMES = [
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
/** Greatest size of a text file in bytes; the largest published tokenizers have some 35 MB. */
const MAX_TEXT_BYTES = 100_000_000;
/** First bytes of a Git LFS pointer. */
export const GIT_POINTER = "version https://git-lfs.github.com/spec/";

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

/** Reads a text file; returns null if there is none. */
export async function readIfThere(file: string): Promise<string | null> {
  const size = await regularFileSize(file);
  if (size === null) return null;
  if (size > MAX_TEXT_BYTES) {
    throw new ModelFolderError({ file }, `has ${size} bytes; ${MAX_TEXT_BYTES} are taken`);
  }
  try {
    const text = decodeText(file, await readFile(file));
    refuseGitPointer(file, text);
    return text;
  } catch (error) {
    if (error instanceof ModelFolderError) throw error;
    throw new ModelFolderError({ file }, `cannot be read: ${errorMessage(error)}`, error);
  }
}

/** @throws ModelFolderError on invalid UTF-8, which would silently become other characters */
function decodeText(file: string, bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // A byte order mark is not part of a JSON text; in a chat template it would be part of the prompt.
    return file.endsWith(".jinja") ? text : text.replace(/^\ufeff/, "");
  } catch (error) {
    throw new ModelFolderError({ file }, "is not text in UTF-8", error);
  }
}

/**
 * Returns the size of a file; null if there is none.
 *
 * @throws ModelFolderError if it is not a regular file: opening a pipe or a device may block forever
 */
export async function regularFileSize(file: string): Promise<number | null> {
  const found = await stat(file).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new ModelFolderError({ file }, `cannot be read: ${errorMessage(error)}`, error);
  });
  if (found === null) {
    const link = await readlink(file).catch(() => null);
    if (link === null) return null;
    throw new ModelFolderError({ file }, `is a link to ${link}, where nothing is`);
  }
  if (!found.isFile()) {
    const kind = found.isDirectory() ? "a folder" : "a pipe or a device";
    throw new ModelFolderError({ file }, `is ${kind}, not a file`);
  }
  return found.size;
}

/** @throws ModelFolderError when the text is a Git LFS pointer instead of the file */
export function refuseGitPointer(file: string, text: string): void {
  if (!text.startsWith(GIT_POINTER)) return;
  const problem = "is a Git LFS pointer, not the file itself";
  throw new ModelFolderError({ file }, `${problem}: run git lfs pull in its folder`);
}

/** @throws ModelFolderError naming the file */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFolderError({ file }, jsonProblem(error), error);
  }
}
