import {
  parsePinnedFile,
  parsePinnedModel,
  replaceHubFiles,
  type RunConfig,
} from "@gumshoe/config";

import { dataFilePath, snapshotFolder } from "./cache.js";

/**
 * Returns the config with places in the cache instead of names on the hub: the folder of its model, and the files of
 * its sources. Names without a commit stay. Nothing says that the places exist.
 */
export function locateHubFiles(config: RunConfig, cacheFolder: string): RunConfig {
  const pinned = parsePinnedModel(config.model);
  const model = pinned === null ? config.model : snapshotFolder(cacheFolder, pinned);
  return replaceHubFiles({ ...config, model }, (_field, text) => {
    const file = parsePinnedFile(text);
    return file === null ? text : dataFilePath(cacheFolder, file);
  });
}
