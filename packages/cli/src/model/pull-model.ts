import { type HubModel, hubModelText } from "@gumshoe/config";
import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import {
  ASSET_NAMES,
  ModelFolderError,
  openModelFolder,
  openTokenizer,
  parseModelConfig,
  readAssets,
} from "@gumshoe/engine";
import { type FetchedModel, fetchModel, readHubSettings } from "@gumshoe/hub";

import type { Context } from "../context.js";
import { showDownload } from "../hub/show-download.js";

/** How a command brings a model to this machine. */
export interface PullOptions {
  /** `tokenizer` leaves the weights out. */
  readonly only: "model" | "tokenizer";
  /** The command that goes on after a stop, as it can be typed. */
  readonly again: string;
}

/**
 * Brings a model of the hub into the cache, and shows how far that is. A model that would not be understood is
 * refused by its text files, before the weights come.
 *
 * @throws what `fetchModel` throws; ClusterError ABORTED naming the command that goes on, after Ctrl-C
 */
export function pullModel(
  model: HubModel,
  { only, again }: PullOptions,
  context: Context,
): Promise<FetchedModel> {
  const settings = readHubSettings(context.env);
  const text = hubModelText(model);
  return showDownload({ title: text, again }, context, (reports) =>
    fetchModel(model, {
      settings,
      clock: context.clock,
      only,
      texts: ASSET_NAMES,
      checkTexts: (folder) => (only === "model" ? checkTexts(text, folder) : Promise.resolve()),
      ...reports,
    }),
  );
}

/** @throws InvalidArgumentError when architecture or tokenizer are not understood */
async function checkTexts(model: string, folder: string): Promise<void> {
  try {
    const assets = await readAssets(folder);
    const config = assets["config.json"];
    if (config === undefined) throw new ModelFolderError({ file: "config.json" }, "is missing");
    parseModelConfig(JSON.parse(config));
    await openTokenizer({ dir: folder, assets, config: null });
  } catch (cause) {
    const problem = `${model} would not be understood: ${errorMessage(cause)}; its weights are not fetched`;
    throw new InvalidArgumentError("model", problem, { cause });
  }
}

/** Says whether a folder of the cache holds all that is wanted of its model. */
export async function isWhole(folder: string, only: "model" | "tokenizer"): Promise<boolean> {
  try {
    if (only === "model") await (await openModelFolder(folder)).close();
    else await openTokenizer({ dir: folder, assets: await readAssets(folder), config: null });
    return true;
  } catch {
    return false;
  }
}
