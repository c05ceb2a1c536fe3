import { hashJson } from "@gumshoe/core";

import type { RunAssets } from "./gen/gumshoe/v1/rollout.js";

/**
 * Identifies the assets that a run's workers fetch by `GetRunAssets`: the resolved config, the
 * model's files, and the digest of its frozen weights.
 *
 * @returns SHA-256, 64 hex digits
 */
export function runAssetsDigest({ configJson, modelFiles, baseDigest }: RunAssets): string {
  return hashJson({ configJson, modelFiles, baseDigest });
}
