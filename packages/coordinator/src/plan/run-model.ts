import { existsSync } from "node:fs";
import { join } from "node:path";

import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
import {
  DamagedWeightError,
  type FloatFormat,
  initialParameters,
  type ModelConfig,
  type ModelFolder,
  openModelFolder,
  openTokenizer,
  type ParameterLayout,
  parameterLayout,
  parseModelConfig,
  rankProblem,
  readAssets,
  requireEndToken,
  Tokenizer,
  trainableLayout,
  withAdapter,
  writeModelFolder,
} from "@gumshoe/engine";
import type { RunConfig } from "@gumshoe/config";

import { makeSubfolder } from "../ledger/subfolder.js";
import { makeNewAdapter, type RunBase } from "./new-adapter.js";

/** Folder of a new model or adapter in a run's folder. */
const INITIAL = "initial";

/** The model that a run starts from. */
export interface RunModel {
  /** Folder of weight version 0: a model, or the new adapter of one. */
  readonly folder: string;
  /** The parameters that the run trains. */
  readonly layout: ParameterLayout;
  /** How the folder stores its weights. */
  readonly format: FloatFormat;
  /** Text files of the model's folder. */
  readonly assets: Readonly<Record<string, string>>;
  readonly tokenizer: Tokenizer;
  /** Number of positions: `max_position_embeddings`. */
  readonly maxPositions: number;
  readonly shape: ModelConfig;
  /** Token ids that the model can sample, from 0. */
  readonly vocabularySize: number;
  /** The frozen model where the run trains an adapter; else null. */
  readonly base: RunBase | null;
}

/** The properties of a model that are known before its run exists. */
export type CheckedModel = Pick<RunModel, "tokenizer" | "maxPositions" | "shape">;

/**
 * Opens a run's model folder, or creates the new model or adapter that its config describes.
 *
 * @param named  how the config names the model, for the adapter's folder; default: by its folder
 * @throws ModelFolderError, ModelConfigError, InvalidArgumentError naming the field
 */
export async function openRunModel(
  config: RunConfig,
  runFolder: string,
  named = config.model,
): Promise<RunModel> {
  const folder = modelFolder(config, runFolder);
  if (config.type === "sft" && config.init.type === "new") await makeNewModel(config, folder);
  return inModel(async () => {
    const model = await openModelFolder(config.lora === null ? folder : config.model);
    try {
      const { layout, format, assets } = model;
      const parts = { folder, assets, ...(await readModel(model)) };
      if (config.lora === null) return { ...parts, layout, format, base: null };
      const base = await makeNewAdapter(config, { model, named, folder });
      const shape = withAdapter(model.config, config.lora);
      return { ...parts, layout: trainableLayout(shape), format: "F32", shape, base };
    } finally {
      await model.close();
    }
  });
}

async function readModel(model: ModelFolder) {
  const tokenizer = await openTokenizer(model);
  requireEndToken(model.dir, tokenizer);
  const { maxPositions, vocabularySize } = model.config;
  return { tokenizer, shape: model.config, maxPositions, vocabularySize };
}

/**
 * Returns the folder of a run's weight version 0: the config's model, or the new model or adapter in the
 * run's folder.
 */
export function modelFolder(config: RunConfig, runFolder: string): string {
  const isNew = config.lora !== null || (config.type === "sft" && config.init.type === "new");
  return isNew ? join(runFolder, INITIAL) : config.model;
}

/** Returns the folder of a run's tokenizer. */
export function tokenizerFolder(config: RunConfig, runFolder: string): string {
  return config.lora === null ? modelFolder(config, runFolder) : config.model;
}

/**
 * Checks that a run's model exists and is complete, without creating anything. Weights that are not
 * finite are rejected here, by field, and not by the first worker that loads them.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function checkModel(config: RunConfig): Promise<CheckedModel> {
  return readCheckedModel(config, (model) => model.checkWeights());
}

/**
 * Reads what is known of a run's model before its weights are read.
 *
 * @throws InvalidArgumentError naming the field
 */
export function describeModel(config: RunConfig): Promise<CheckedModel> {
  return readCheckedModel(config, () => Promise.resolve());
}

async function readCheckedModel(
  config: RunConfig,
  checkWeights: (model: ModelFolder) => Promise<void>,
): Promise<CheckedModel> {
  if (config.type === "sft" && config.init.type === "new") {
    const { assets, shape } = await newModelAssets(config);
    const { maxPositions } = shape;
    return { tokenizer: Tokenizer.fromAssets(assets), maxPositions, shape };
  }
  return inModel(async () => {
    const model = await openModelFolder(config.model);
    try {
      checkRank(config, model.config);
      await checkWeights(model);
      return await readModel(model);
    } finally {
      await model.close();
    }
  });
}

/** @throws InvalidArgumentError when the rank of a run's adapter is impossible for its model */
function checkRank({ lora }: RunConfig, model: ModelConfig): void {
  const problem = lora === null ? null : rankProblem(model, lora.rank);
  if (problem !== null) throw new InvalidArgumentError("lora.rank", problem);
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
