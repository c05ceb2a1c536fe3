import { existsSync } from "node:fs";

import {
  type HubModel,
  hubModelText,
  parseHubModel,
  parsePinnedModel,
  type RunConfig,
} from "@gumshoe/config";
import { ClusterError } from "@gumshoe/core";
import {
  cachedCommit,
  HubAwayError,
  MAIN,
  readHubSettings,
  resolveCommit,
  snapshotFolder,
} from "@gumshoe/hub";

import type { Context } from "../context.js";
import { shownCommand } from "../terminal/shown-command.js";
import { isWhole, pullModel, type PullOptions } from "./pull-model.js";

/** How the model of a config is settled. */
export interface SettleOptions {
  /** The model that a run of this name began with; null for a new run. */
  readonly known: string | null;
  /** Whether the files are wanted on this machine, or the commit alone. */
  readonly isHere: boolean;
  /** The command that goes on after a stop, as it can be typed. */
  readonly again: string;
}

/**
 * Replaces a name on the hub by name and commit, and brings the model here where it is wanted. A run that is
 * continued keeps the commit that it began with, whatever the hub has by now.
 *
 * @throws what `pullModel` throws
 */
export async function settleModel(
  config: RunConfig,
  options: SettleOptions,
  context: Context,
): Promise<RunConfig> {
  const named = parseHubModel(config.model);
  if (named === null) return config;
  try {
    return await settleNamed(config, named, { ...options, context });
  } catch (thrown) {
    if (!(thrown instanceof ClusterError) || thrown.code === "ABORTED") throw thrown;
    // A folder whose name was mistyped looks like a name on the hub.
    const folder =
      named.revision === null ? `there is no folder ${config.model}; on the hub, ` : "";
    const { code, details, message } = thrown;
    const problem = message.replace(/^model: /, "");
    throw new ClusterError(code, `model: ${folder}${problem}`, { details, cause: thrown });
  }
}

async function settleNamed(
  config: RunConfig,
  named: HubModel,
  { known, isHere, again, context }: SettleOptions & { context: Context },
): Promise<RunConfig> {
  const before = known === null ? null : parsePinnedModel(known);
  const isPinned = parsePinnedModel(config.model) !== null;
  const isContinued = !isPinned && before?.name === named.name;
  const model = isContinued ? { name: named.name, revision: before.commit } : named;
  if (isContinued) {
    context.terminal.err(
      `model ${hubModelText(model)}: the commit that run ${config.name} began with\n`,
    );
  }
  const only = onlyOf(config);
  const settings = readHubSettings(context.env);
  if (!isHere) {
    const commit = await resolveCommit(model, { settings });
    return withModel(config, named.name, commit);
  }
  const wanted = { name: named.name, revision: model.revision ?? MAIN };
  const kept = await cachedCommit(settings.cacheFolder, wanted);
  const isCommit = parsePinnedModel(hubModelText(model)) !== null;
  const isKept =
    kept !== null &&
    (await isWhole(snapshotFolder(settings.cacheFolder, { name: named.name, commit: kept }), only));
  if (isKept && isCommit) return withModel(config, named.name, kept);
  const pulling: PullOptions = { only, again };
  try {
    const { commit } = await pullModel(model, pulling, context);
    return withModel(config, named.name, commit);
  } catch (thrown) {
    const isAway = thrown instanceof Error && thrown.cause instanceof HubAwayError;
    if (!isAway || !isKept) throw thrown;
    const used = `${named.name}@${kept}`;
    context.terminal.err(`the hub cannot be reached; ${used} is used, which was fetched before\n`);
    return withModel(config, named.name, kept);
  }
}

/**
 * Returns the folder of a model that an option names: a folder, or a model on the hub, which is fetched where
 * it is not here.
 */
export async function modelOption(given: string, context: Context): Promise<string> {
  const named = existsSync(given) ? null : parseHubModel(given);
  if (named === null) return given;
  const again = shownCommand(context.env, ["model", "pull", given]);
  return (await pullModel(named, { only: "model", again }, context)).folder;
}

function withModel(config: RunConfig, name: string, commit: string): RunConfig {
  return { ...config, model: hubModelText({ name, revision: commit }) };
}

function onlyOf(config: RunConfig): "model" | "tokenizer" {
  return config.type === "sft" && config.init.type === "new" ? "tokenizer" : "model";
}
