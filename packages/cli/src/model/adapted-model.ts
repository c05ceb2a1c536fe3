/** A model in this process, with an adapter or without. */
import { stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";

import { hubModelText } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { readBaseName } from "@gumshoe/engine";
import type { AdaptedFolders } from "@gumshoe/serve";

import type { Context } from "../context.js";
import { modelOption } from "./hub-config.js";

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
