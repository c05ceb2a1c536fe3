import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";

import { shownValue } from "@gumshoe/core";

import { ModelConfigError, ModelFolderError } from "../errors.js";
import { parseJson, readAssets, readIfThere, regularFileSize } from "./assets.js";
import { checkValues } from "./check-values.js";
import { type ModelConfig, parseModelConfig } from "./model-config.js";
import { type ParameterLayout, parameterLayout } from "./parameter-layout.js";
import { describeOtherWeights } from "./other-weights.js";
import { SafetensorsFile } from "./safetensors-file.js";
import { storedParameters, type StoredParameters } from "./stored-parameters.js";
import { findHomes } from "./tensor-homes.js";

/** Name of the weights file if there is only one. */
export const WEIGHTS = "model.safetensors";
/** Name of the file that names the shards of the weights. */
export const INDEX = "model.safetensors.index.json";

/** The config in the folder of a PEFT adapter. */
export const ADAPTER_CONFIG = "adapter_config.json";

/** An open Hugging Face model folder. */
export interface ModelFolder extends StoredParameters {
  readonly dir: string;
  readonly config: ModelConfig;
  readonly layout: ParameterLayout;
  /** File name to content of the text files that a checkpoint needs too. */
  readonly assets: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens a model folder and checks that every parameter is there once, whole and in its shape, and that there is no
 * tensor for which the config's model has no parameter, nor one that holds a single number where no model can.
 *
 * @throws ModelFolderError naming the file and the tensor; ModelConfigError naming the field
 */
export async function openModelFolder(dir: string): Promise<ModelFolder> {
  const assets = await readAssets(dir);
  const configFile = join(dir, "config.json");
  if (assets["config.json"] === undefined) {
    const problem = `is missing: this is no model folder${await describeOther(dir)}`;
    throw new ModelFolderError({ file: configFile }, problem);
  }
  await refuseAdapter(dir);
  const config = readConfig(configFile, assets["config.json"]);
  const shards = await openShards(dir);
  const close = async () => {
    await Promise.all([...new Set(shards.values())].map((shard) => shard.close()));
  };
  try {
    const layout = parameterLayout(config);
    const homes = await findHomes({ dir, config, layout, shards });
    await checkValues(layout.entries, homes);
    return { dir, config, layout, assets, ...storedParameters(layout, homes), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Describes what a folder without a model holds: an adapter, or, in the huggingface_hub cache, models in folders. */
async function describeOther(dir: string): Promise<string> {
  if ((await regularFileSize(join(dir, ADAPTER_CONFIG))) !== null) {
    return `; it holds an adapter (${ADAPTER_CONFIG}): merge it into its base model first (gumshoe model merge)`;
  }
  const [first] = (await readdir(join(dir, "snapshots")).catch(() => [])).sort();
  return first === undefined ? "" : `; it holds models in snapshots, such as snapshots/${first}`;
}

/** Transformers loads the adapter and its base model instead of the weights beside the adapter. */
async function refuseAdapter(dir: string): Promise<void> {
  const file = join(dir, ADAPTER_CONFIG);
  const hasWeights = async (name: string) => (await regularFileSize(join(dir, name))) !== null;
  if ((await regularFileSize(file)) === null) return;
  if (!(await hasWeights(WEIGHTS)) && !(await hasWeights(INDEX))) return;
  const problem = `lies beside ${WEIGHTS}: merge the adapter, or remove what is left of it`;
  throw new ModelFolderError({ file }, problem);
}

function readConfig(file: string, text: string): ModelConfig {
  const json = parseJson(file, text);
  try {
    return parseModelConfig(json);
  } catch (error) {
    if (!(error instanceof ModelConfigError)) throw error;
    throw new ModelConfigError(error.field, error.problem, file);
  }
}

/** Opens the weights: one file, or the shards that an index names. Key: tensor name. */
async function openShards(dir: string): Promise<Map<string, SafetensorsFile>> {
  const single = join(dir, WEIGHTS);
  const index = join(dir, INDEX);
  if ((await regularFileSize(single)) !== null) {
    const file = await SafetensorsFile.open(single);
    if (file.tensors.size === 0) {
      await file.close();
      throw new ModelFolderError({ file: single }, "holds no tensors");
    }
    return new Map([...file.tensors.keys()].map((name) => [name, file]));
  }
  const text = await readIfThere(index);
  if (text === null) {
    const others = await describeOtherWeights(dir);
    throw new ModelFolderError({ file: dir }, `has no ${WEIGHTS} and no ${INDEX}${others}`);
  }
  const shards = new Map<string, SafetensorsFile>();
  const opened = new Map<string, SafetensorsFile>();
  try {
    for (const [tensor, name] of weightMap(index, parseJson(index, text))) {
      const shard = opened.get(name) ?? (await openShard(dir, name));
      opened.set(name, shard);
      shards.set(tensor, shard);
    }
    for (const shard of opened.values()) {
      for (const tensor of shard.tensors.keys()) {
        const home = shards.get(tensor) ?? shard;
        if (home !== shard) {
          const problem = `lies here, but ${INDEX} names ${basename(home.file)} for it`;
          throw new ModelFolderError({ file: shard.file, tensor }, problem);
        }
        shards.set(tensor, shard);
      }
    }
  } catch (error) {
    await Promise.all([...opened.values()].map((shard) => shard.close()));
    throw error;
  }
  return shards;
}

async function openShard(dir: string, name: string): Promise<SafetensorsFile> {
  const file = join(dir, name);
  if ((await regularFileSize(file)) !== null) return SafetensorsFile.open(file);
  throw new ModelFolderError({ file }, `does not exist, but ${INDEX} names it`);
}

/** Reads which tensor is in which file. @throws ModelFolderError */
export function weightMap(file: string, json: unknown): [tensor: string, file: string][] {
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null) {
    throw new ModelFolderError({ file }, "has no weight_map");
  }
  return Object.entries(map).map(([tensor, name]) => {
    // A shard must be in the folder itself, so that an index cannot make the process read other files.
    if (typeof name === "string" && name !== "" && basename(name) === name) return [tensor, name];
    throw new ModelFolderError({ file, tensor }, `is in ${shownValue(name)}, not a file name`);
  });
}
