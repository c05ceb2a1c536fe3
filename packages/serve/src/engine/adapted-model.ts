import {
  type AdapterFolder,
  loadAdapter,
  loadWeights,
  Model,
  type ModelFolder,
  openAdapterFolder,
} from "@gumshoe/engine";
import type { Device } from "@gumshoe/kernels";
import { weightDigestOf } from "@gumshoe/tensors";

import { OtherBaseError } from "../errors.js";

/** The folders of a model and of the adapter on it. */
export interface AdaptedFolders {
  readonly folder: string;
  /** Null without an adapter. */
  readonly adapter: string | null;
}

/** Loads a model, and the adapter on it, for sampling and scoring. @throws OtherBaseError */
export async function loadAdapted(
  device: Device,
  source: ModelFolder,
  adapterFolder: string | null,
): Promise<Model> {
  if (adapterFolder === null) {
    return fill(new Model({ device, config: source.config, training: false }), source, null);
  }
  const adapter = await openMatchingAdapter(adapterFolder, source);
  try {
    const model = new Model({ device, config: adapter.config, training: false });
    return await fill(model, source, adapter);
  } finally {
    await adapter.close();
  }
}

/** Reads weights into a model, which is disposed of if they cannot be read: a server tries again and again. */
async function fill(
  model: Model,
  source: ModelFolder,
  adapter: AdapterFolder | null,
): Promise<Model> {
  try {
    await loadWeights(model, source);
    if (adapter !== null) await loadAdapter(model, adapter);
    return model;
  } catch (thrown) {
    model.dispose();
    throw thrown;
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
