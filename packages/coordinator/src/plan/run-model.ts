import { existsSync } from "node:fs";
import { join } from "node:path";

import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
import {
  DamagedWeightError,
  type FloatFormat,
  initialParameters,
  type ModelConfig,
  openModelFolder,
  openTokenizer,
  type ParameterLayout,
  parameterLayout,
  parseModelConfig,
  readAssets,
  requireEndToken,
  Tokenizer,
  writeModelFolder,
} from "@gumshoe/engine";
import { type RunConfig } from "@gumshoe/config";

import { makeSubfolder } from "../ledger/subfolder.js";

/** The model that a run starts from. */
export interface RunModel {
  /** Folder of weight version 0. */
  readonly folder: string;
  readonly layout: ParameterLayout;
  /** How the folder stores its weights. */
  readonly format: FloatFormat;
  readonly assets: Readonly<Record<string, string>>;
  readonly tokenizer: Tokenizer;
  /** Number of positions: `max_position_embeddings`. */
  readonly maxPositions: number;
  readonly shape: ModelConfig;
  /** Token ids that the model can sample, from 0. */
  readonly vocabularySize: number;
}

/** The properties of a model that are known before its run exists. */
export type CheckedModel = Pick<RunModel, "tokenizer" | "maxPositions" | "shape">;

/**
 * Opens a run's model folder, or creates the new model that its config describes.
 *
 * @throws ModelFolderError, ModelConfigError, InvalidArgumentError naming the field
 */
export async function openRunModel(config: RunConfig, runFolder: string): Promise<RunModel> {
  const folder = modelFolder(config, runFolder);
  if (config.type === "sft" && config.init.type === "new") await makeNewModel(config, folder);
  return inModel(async () => {
    const model = await openModelFolder(folder);
    await model.close();
    const tokenizer = await openTokenizer(model);
    requireEndToken(folder, tokenizer);
    const { layout, format, assets } = model;
    const { maxPositions, vocabularySize } = model.config;
    return {
      folder,
      layout,
      format,
      assets,
      tokenizer,
      shape: model.config,
      maxPositions,
      vocabularySize,
    };
  });
}

/**
 * Returns the folder of a run's weight version 0: the config's model, or the new one in the run's
 * folder.
 */
export function modelFolder(config: RunConfig, runFolder: string): string {
  return config.type === "sft" && config.init.type === "new"
    ? join(runFolder, "initial")
    : config.model;
}

/**
 * Checks that a run's model exists and is complete, without creating anything. Weights that are not
 * finite are rejected here, by field, and not by the first worker that loads them.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function checkModel(config: RunConfig): Promise<CheckedModel> {
  if (config.type === "sft" && config.init.type === "new") {
    const { assets, shape } = await newModelAssets(config);
    const { maxPositions } = shape;
    return { tokenizer: Tokenizer.fromAssets(assets), maxPositions, shape };
  }
  await inModel(async () => {
    const model = await openModelFolder(config.model);
    await model.checkWeights().finally(() => model.close());
  });
  return openRunModel(config, "");
}

/** Prefixes an error about a folder with the field that names the folder. */
async function inModel<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const isFolder =
      cause instanceof DamagedWeightError ||
      (cause instanceof ClusterError && cause.code === "INVALID_ARGUMENT");
    if (!isFolder || cause instanceof InvalidArgumentError) throw cause;
    throw new InvalidArgumentError("model", cause.message, { cause });
  }
}

type SftConfig = Extract<RunConfig, { type: "sft" }>;

async function makeNewModel(config: SftConfig, folder: string): Promise<void> {
  if (existsSync(join(folder, "config.json")) || config.init.type !== "new") return;
  const { assets, shape } = await newModelAssets(config);
  await makeSubfolder(folder);
  await writeModelFolder(folder, {
    assets,
    layout: parameterLayout(shape),
    parameters: initialParameters(shape, config.init.seed, config.init.config.initializer_range),
  });
}

/** Returns the text files of a new model: those of the tokenizer's folder, and its own config. */
async function newModelAssets(config: SftConfig) {
  const dir = config.model;
  const { given, tokenizer } = await inModel(async () => {
    const assets = await readAssets(dir);
    return { given: assets, tokenizer: await openTokenizer({ dir, assets, config: null }) };
  });
  const [eos] = tokenizer.stopTokenIds;
  if (eos === undefined) {
    throw new InvalidArgumentError("model", `the tokenizer in ${config.model} has no end token`);
  }
  const json = {
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    vocab_size: tokenizer.vocabularySize,
    hidden_act: "silu",
    torch_dtype: "float32",
    bos_token_id: null,
    eos_token_id: eos,
    ...(config.init.type === "new" ? config.init.config : {}),
  };
  const assets = { ...given, "config.json": `${JSON.stringify(json, null, 2)}\n` };
  return { assets, shape: parseModelConfig(json) };
}
