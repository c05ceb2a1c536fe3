import { readFileSync } from "node:fs";
import { join } from "node:path";

import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { hubCacheFolder, locateHubFiles } from "@gumshoe/hub";

import type { Context } from "../context.js";
import { settleModel } from "../model/hub-config.js";
import { settleSources, type SourceOptions } from "./hub-sources.js";

/**
 * Adds its commit to every name on the hub, of the model and of files of questions, and brings them here where they
 * are wanted.
 *
 * @throws what `pullModel` and `pullDataFile` throw
 */
export async function settleConfig(
  config: RunConfig,
  options: SourceOptions,
  context: Context,
): Promise<RunConfig> {
  const known = options.known?.model ?? null;
  const settled = await settleModel(config, { ...options, known }, context);
  return settleSources(settled, options, context);
}

/** Returns the config with places on this machine instead of names on the hub, to look at its files. */
export function locatedConfig(config: RunConfig, env: NodeJS.ProcessEnv): RunConfig {
  return locateHubFiles(config, hubCacheFolder(env));
}

/** Returns the config that a run in a home began with; null where there is no such run. */
export function knownConfig(runFolder: string): RunConfig | null {
  try {
    return checkRunConfig(JSON.parse(readFileSync(join(runFolder, "config.json"), "utf8")));
  } catch {
    return null;
  }
}
