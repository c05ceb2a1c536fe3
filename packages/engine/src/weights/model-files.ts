import { stat } from "node:fs/promises";
import { join } from "node:path";

import { ADAPTER_WEIGHTS, isAdapterFolder } from "./adapter-folder.js";
import { parseJson, readAssets, readIfThere } from "./assets.js";
import { ADAPTER_CONFIG, INDEX, weightMap, WEIGHTS } from "./model-folder.js";

/** Names of the files that a model folder is loaded from. */
export interface ModelFileNames {
  /** Config, tokenizer and chat template. */
  readonly assets: readonly string[];
  /** The weights, with their index if they are sharded; empty if there are none. */
  readonly weights: readonly string[];
}

/**
 * Lists the files of a model or adapter folder that are read, each kind sorted by name.
 *
 * @throws ModelFolderError when there is no such folder, or its index is broken
 */
export async function modelFileNames(dir: string): Promise<ModelFileNames> {
  const assets = Object.keys(await readAssets(dir)).sort();
  const weights = await weightFileNames(dir);
  if (weights.length > 0 || !(await isAdapterFolder(dir))) return { assets, weights };
  return { assets: [...assets, ADAPTER_CONFIG].sort(), weights: [ADAPTER_WEIGHTS] };
}

async function weightFileNames(dir: string): Promise<string[]> {
  if ((await stat(join(dir, WEIGHTS)).catch(() => null)) !== null) return [WEIGHTS];
  const index = join(dir, INDEX);
  const text = await readIfThere(index);
  if (text === null) return [];
  const shards = weightMap(index, parseJson(index, text)).map(([, name]) => name);
  return [INDEX, ...[...new Set(shards)].sort()];
}
