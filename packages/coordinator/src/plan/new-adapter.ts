import { existsSync } from "node:fs";
import { join } from "node:path";

import { type RunConfig, parsePinnedModel } from "@gumshoe/config";
import {
  ADAPTER_CONFIG,
  type BaseName,
  initialAdapter,
  type ModelFolder,
  withAdapter,
  writeAdapterFolder,
} from "@gumshoe/engine";
import { weightDigestOf } from "@gumshoe/tensors";

import { makeSubfolder } from "../ledger/subfolder.js";

/** The frozen model of a run that trains an adapter. */
export interface RunBase {
  readonly folder: string;
  /** How adapter folders name it. */
  readonly name: BaseName;
  /** Digest of its weights, as workers compute it. */
  readonly digest: string;
}

/** Text files of a model that describe its own weights, and do not belong to an adapter. */
const OF_MODEL_ONLY = ["config.json", "generation_config.json"];

/** Returns the text files of a base model that its adapter's folder holds too: those of the tokenizer. */
export function adapterAssets(assets: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(assets).filter(([name]) => !OF_MODEL_ONLY.includes(name));
  return Object.fromEntries(kept);
}

/**
 * Writes the adapter that a run starts from, unless it is there, and identifies its base.
 *
 * @param of.named   how the config names the model
 * @param of.folder  the adapter's folder
 */
export async function makeNewAdapter(
  config: RunConfig,
  { model, named, folder }: { model: ModelFolder; named: string; folder: string },
): Promise<RunBase> {
  const { numParameters } = model.layout;
  const digest = await weightDigestOf(numParameters, (from, to) => model.readParameters(from, to));
  const base = { folder: model.dir, name: baseName(named), digest };
  const { lora } = config;
  if (lora === null || existsSync(join(folder, ADAPTER_CONFIG))) return base;
  const adapted = withAdapter(model.config, lora);
  await makeSubfolder(folder);
  await writeAdapterFolder(folder, {
    adapter: lora,
    base: base.name,
    config: adapted,
    baseDigest: digest,
    parameters: initialAdapter(adapted, config.seed),
    assets: adapterAssets(model.assets),
  });
  return base;
}

function baseName(named: string): BaseName {
  const pinned = parsePinnedModel(named);
  return pinned === null
    ? { name: named, revision: null }
    : { name: pinned.name, revision: pinned.commit };
}
