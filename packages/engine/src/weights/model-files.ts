import { stat } from "node:fs/promises";
import { join } from "node:path";

import { parseJson, readAssets, readIfThere } from "./assets.js";
import { INDEX, weightMap, WEIGHTS } from "./model-folder.js";

/** Names of the files that a model folder is loaded from. */
export interface ModelFileNames {
  /** Config, tokenizer and chat template. */
  readonly assets: readonly string[];
  /** The weights, with their index if they are sharded; empty if there are none. */
  readonly weights: readonly string[];
}

/**
 * Lists the files of a model folder that are read, each kind sorted by name.
 *
 * @throws ModelFolderError when there is no such folder, or its index is broken
 */
export async function modelFileNames(dir: string): Promise<ModelFileNames> {
  const assets = Object.keys(await readAssets(dir)).sort();
  return { assets, weights: await weightFileNames(dir) };
}

async function weightFileNames(dir: string): Promise<string[]> {
  if ((await stat(join(dir, WEIGHTS)).catch(() => null)) !== null) return [WEIGHTS];
  const index = join(dir, INDEX);
  const text = await readIfThere(index);
  if (text === null) return [];
  const shards = weightMap(index, parseJson(index, text)).map(([, name]) => name);
  return [INDEX, ...[...new Set(shards)].sort()];
}
