import { existsSync } from "node:fs";
import { join } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";
import {
  initialParameters,
  openModelFolder,
  type ParameterLayout,
  parameterLayout,
  parseModelConfig,
  readAssets,
  Tokenizer,
  writeModelFolder,
} from "@gumshoe/engine";
import { type RunConfig } from "@gumshoe/protocol";

import { makeFolder } from "../ledger/durable-file.js";

/** The model that a run starts from. */
export interface RunModel {
  /** Folder of version 0. */
  readonly folder: string;
  readonly layout: ParameterLayout;
  readonly assets: Readonly<Record<string, string>>;
  readonly tokenizer: Tokenizer;
  /** Positions that the model knows. */
  readonly maxPositions: number;
  /** Tokens that the model can sample. */
  readonly vocabularySize: number;
}

/** What is known of a model before a run has one. */
export type CheckedModel = Pick<RunModel, "tokenizer" | "maxPositions">;

/**
 * Opens a run's model folder, or makes the new model that its config asks for.
 *
 * @throws ModelFolderError, ModelConfigError, InvalidArgumentError naming the field
 */
export async function openRunModel(config: RunConfig, runFolder: string): Promise<RunModel> {
  const folder = modelFolder(config, runFolder);
  if (config.type === "sft" && config.init.type === "new") await makeNewModel(config, folder);
  const model = await openModelFolder(folder);
  const { layout, assets } = model;
  const { maxPositions, vocabularySize } = model.config;
  await model.close();
  return {
    folder,
    layout,
    assets,
    tokenizer: Tokenizer.fromAssets(assets),
    maxPositions,
    vocabularySize,
  };
}

/** Folder of a run's version 0: the config's model, or the new one that is made in the run's folder. */
export function modelFolder(config: RunConfig, runFolder: string): string {
  return config.type === "sft" && config.init.type === "new"
    ? join(runFolder, "initial")
    : config.model;
}

/** Looks whether a run's model is there and whole, and makes nothing. */
export async function checkModel(config: RunConfig): Promise<CheckedModel> {
  if (config.type === "sft" && config.init.type === "new") {
    const { assets, shape } = newModelAssets(config, await readAssets(config.model));
    return { tokenizer: Tokenizer.fromAssets(assets), maxPositions: shape.maxPositions };
  }
  return openRunModel(config, "");
}

type SftConfig = Extract<RunConfig, { type: "sft" }>;

async function makeNewModel(config: SftConfig, folder: string): Promise<void> {
  if (existsSync(join(folder, "config.json")) || config.init.type !== "new") return;
  const { assets, shape } = newModelAssets(config, await readAssets(config.model));
  await makeFolder(folder);
  await writeModelFolder(folder, {
    assets,
    layout: parameterLayout(shape),
    parameters: initialParameters(shape, config.init.seed, config.init.config.initializer_range),
  });
}

/** The text files of a new model: those of the tokenizer's folder, and a config of its own. */
function newModelAssets(config: SftConfig, given: Record<string, string>) {
  if (given["tokenizer.json"] === undefined) {
    throw new InvalidArgumentError("model", `${config.model} holds no tokenizer.json`);
  }
  const tokenizer = Tokenizer.fromAssets(given);
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
