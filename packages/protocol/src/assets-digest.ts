import { hashJson } from "@gumshoe/core";

import { type RunAssets } from "./gen/gumshoe/v1/rollout.js";

/**
 * Identifies the assets that a run's workers fetch by `GetRunAssets`: the resolved config and the
 * model's files.
 *
 * @returns SHA-256, 64 hex digits
 */
export function runAssetsDigest({ configJson, modelFiles }: RunAssets): string {
  return hashJson({ configJson, modelFiles });
}
