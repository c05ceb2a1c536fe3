import { existsSync } from "node:fs";
import { join } from "node:path";

import { type HeldOutKind, parseHubModel, type RunConfig } from "@gumshoe/config";
import { ClusterError, errorMessage, InvalidArgumentError } from "@gumshoe/core";
import {
  type ModelConfig,
  ModelFolderError,
  openTokenizer,
  parseModelConfig,
  readAssets,
  type Tokenizer,
} from "@gumshoe/engine";
import { openEnvironment, type RunEnvironment } from "@gumshoe/environments";
import { type BilledRun, measureTokens, type MeasuredTokens } from "@gumshoe/memory";

import type { Context } from "../context.js";
import { settleSources } from "../hub/hub-sources.js";
import { locatedConfig } from "../hub/settle-config.js";
import { checkRank } from "../model/check-rank.js";
import { pullModel } from "../model/pull-model.js";

/**
 * Returns the config with places on this machine instead of names on the hub. Of a model that is not here, the text
 * files alone are fetched: no weights are needed. Files of questions are fetched whole.
 *
 * @throws what `pullModel` and `pullDataFile` throw
 */
export async function withPlanFiles(
  config: RunConfig,
  { again, context }: { again: string; context: Context },
): Promise<RunConfig> {
  const options = { known: null, isHere: true, again };
  const settled = locatedConfig(await settleSources(config, options, context), context.env);
  const named = existsSync(config.model) ? null : parseHubModel(config.model);
  if (named === null) return settled;
  const { folder } = await pullModel(named, { only: "tokenizer", again }, context);
  return { ...settled, model: folder };
}

/**
 * Reads what a run's memory is computed by: the shape of its model, and the length of its first prompts.
 *
 * @param config  with a folder that has the model's text files
 * @throws        InvalidArgumentError naming the field
 */
export async function readBilledRun(config: RunConfig): Promise<BilledRun> {
  const { model, tokenizer } = await readModel(config);
  checkRank(config, model);
  return { config, model, tokens: tokenizer === null ? null : await tokensOf(config, tokenizer) };
}

async function readModel(
  config: RunConfig,
): Promise<{ model: ModelConfig; tokenizer: Tokenizer | null }> {
  const { model: dir } = config;
  const isNew = config.type === "sft" && config.init.type === "new";
  try {
    const assets = await readAssets(dir);
    const tokenizer = await openTokenizer({ dir, assets, config: null });
    if (isNew && config.init.type === "new") {
      const { vocabularySize: vocab_size } = tokenizer;
      const json = { model_type: "qwen2", vocab_size, ...config.init.config };
      return { model: parseModelConfig(json), tokenizer };
    }
    const text = assets["config.json"];
    if (text === undefined)
      throw new ModelFolderError({ file: join(dir, "config.json") }, "is missing");
    return { model: parseModelConfig(JSON.parse(text)), tokenizer };
  } catch (cause) {
    const isFolder = cause instanceof ClusterError && cause.code === "INVALID_ARGUMENT";
    if (!isFolder && !(cause instanceof SyntaxError)) throw cause;
    throw new InvalidArgumentError("model", errorMessage(cause), { cause });
  }
}

async function tokensOf(config: RunConfig, tokenizer: Tokenizer): Promise<MeasuredTokens | null> {
  const opened: RunEnvironment[] = [];
  const open = async (of: RunConfig, kind: "train" | HeldOutKind) => {
    const environment = await openEnvironment(of, kind);
    if (environment !== null) opened.push(environment);
    return environment;
  };
  try {
    const training = [await open(config, "train")];
    for (const tier of tiersOf(config)) training.push(await open(tier, "train"));
    const heldOut = [await open(config, "validation"), await open(config, "report")];
    const present = training.filter((one) => one !== null);
    return await measureTokens(config, tokenizer, { training: present, heldOut });
  } finally {
    await Promise.all(opened.map((environment) => environment.close()));
  }
}

/** The config with each tier of its curriculum. */
function tiersOf(config: RunConfig): RunConfig[] {
  if (config.type !== "grpo" || config.tasks.source.type !== "generate") return [];
  const { source, curriculum } = config.tasks;
  return (curriculum?.tiers ?? []).map((tier) => ({
    ...config,
    tasks: { ...config.tasks, source: { ...source, tier } },
  }));
}
