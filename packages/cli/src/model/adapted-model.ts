/** A model in this process, with an adapter or without. */
import { stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

import { hubModelText } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import {
  type AdapterFolder,
  loadAdapter,
  loadWeights,
  Model,
  type ModelFolder,
  openAdapterFolder,
  readBaseName,
} from "@gumshoe/engine";
import { type Device } from "@gumshoe/kernels";
import { weightDigestOf } from "@gumshoe/tensors";

import { type Context } from "../context.js";
import { OtherBaseError } from "../errors.js";
import { modelOption } from "./hub-config.js";

/** The folders of a model and of the adapter on it. */
export interface AdaptedFolders {
  readonly folder: string;
  /** Null without an adapter. */
  readonly adapter: string | null;
}

/**
 * Returns the folders that `--model` and `--adapter` name. Without `--model` it is the base model that the adapter
 * names. A model on the hub is fetched where it is not here.
 *
 * @throws InvalidArgumentError, ModelFolderError, ModelConfigError
 */
export async function adaptedFolders(
  { model, adapter }: { model?: string | undefined; adapter?: string | undefined },
  context: Context,
): Promise<AdaptedFolders> {
  if (model !== undefined) {
    return { folder: await modelOption(model, context), adapter: adapter ?? null };
  }
  if (adapter === undefined) {
    throw new InvalidArgumentError("--model", "is missing", {
      suggestion: "give --model FOLDER, or --adapter FOLDER",
    });
  }
  const folder = (await findBaseFolder(adapter)) ?? (await fetchBase(adapter, context));
  return { folder, adapter };
}

/** Returns the folder of an adapter's base model; null if it is not on this machine. */
export async function findBaseFolder(adapter: string): Promise<string | null> {
  const { name } = await readBaseName(adapter);
  const places = isAbsolute(name) ? [name] : [resolve(name), join(adapter, name)];
  for (const place of places) {
    if ((await stat(place).catch(() => null))?.isDirectory() === true) return place;
  }
  return null;
}

async function fetchBase(adapter: string, context: Context): Promise<string> {
  const base = await readBaseName(adapter);
  if (isAbsolute(base.name)) {
    const problem = `names the base model ${base.name}, and there is no such folder`;
    throw new InvalidArgumentError("--adapter", `${adapter} ${problem}`, {
      suggestion: "give the base model by --model",
    });
  }
  return modelOption(hubModelText(base), context);
}

/** Loads a model, and the adapter on it, for sampling and scoring. @throws OtherBaseError */
export async function loadAdapted(
  device: Device,
  source: ModelFolder,
  adapterFolder: string | null,
): Promise<Model> {
  if (adapterFolder === null) {
    const model = new Model({ device, config: source.config, training: false });
    await loadWeights(model, source);
    return model;
  }
  const adapter = await openMatchingAdapter(adapterFolder, source);
  try {
    const model = new Model({ device, config: adapter.config, training: false });
    await loadWeights(model, source);
    await loadAdapter(model, adapter);
    return model;
  } finally {
    await adapter.close();
  }
}

/**
 * Opens an adapter, and checks that it was trained on these weights if it says on which.
 *
 * @throws OtherBaseError, ModelFolderError, ModelConfigError
 */
export async function openMatchingAdapter(
  folder: string,
  base: ModelFolder,
): Promise<AdapterFolder> {
  const adapter = await openAdapterFolder(folder, base);
  try {
    const { baseDigest: expected } = adapter;
    if (expected === null) return adapter;
    const digest = await weightDigestOf(base.layout.numParameters, base.readParameters);
    if (digest === expected) return adapter;
    throw new OtherBaseError(folder, { folder: base.dir, digest, expected });
  } catch (error) {
    await adapter.close();
    throw error;
  }
}
