import type { RunConfig } from "@gumshoe/config";
import { type RunAssets, runAssetsDigest } from "@gumshoe/protocol";

import type { RunModel } from "./run-model.js";

/** The files that workers fetch before a run's first job, and the digest that identifies them. */
export interface ServedAssets {
  readonly files: RunAssets;
  readonly digest: string;
}

/**
 * Returns the assets of a run: its resolved config, the text files of its model, and the digest of its frozen
 * weights if it trains an adapter.
 *
 * @param config  with the places of its sources on this machine: workers open them at the same paths
 */
export function servedAssets(config: RunConfig, model: RunModel): ServedAssets {
  const files = {
    configJson: JSON.stringify(config),
    modelFiles: { ...model.assets },
    baseDigest: model.base?.digest ?? "",
  };
  return { files, digest: runAssetsDigest(files) };
}
