import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, posix, relative, resolve, sep } from "node:path";

import { ClusterError, InvalidArgumentError, joinInvalid } from "@gumshoe/core";
import { openModelFolder, openTokenizer, readAssets, requireEndToken } from "@gumshoe/engine";

import { checkRank } from "../model/check-rank.js";
import { openEnvironment } from "@gumshoe/environments";
import {
  checkRunConfig,
  type FieldValue,
  parseHubModel,
  parseRunConfig,
  replacePaths,
  type RunConfig,
} from "@gumshoe/config";

import { ConfigFileError, FileError, readingError } from "../errors.js";

/** Reads a text file named by the user. @throws FileError */
export function readUserFile(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (thrown) {
    throw readingError(path, thrown);
  }
  // UTF-8 text has no zero bytes, but English text in UTF-16 has one per character.
  if (!bytes.subarray(0, 1000).includes(0)) return bytes.toString("utf8");
  throw new FileError(path, "is UTF-16 or no text; save it as UTF-8");
}

/**
 * Reads a run config and makes its paths absolute: relative ones start at the config's folder or,
 * if there is no such file, at the working folder.
 *
 * @param name  replaces the run's name; null keeps it
 * @param set   fields that replace those of the file
 */
export function loadRunConfig(
  path: string,
  name: string | null,
  set: readonly FieldValue[] = [],
): RunConfig {
  const text = readUserFile(path);
  try {
    const names = { fileName: path, set, ...(name === null ? {} : { name }) };
    const config = parseRunConfig(text, names);
    const from = dirname(resolve(path));
    const missing: InvalidArgumentError[] = [];
    const located = replacePaths(config, (field, given) => {
      const found = locate(given, from);
      const problem = `there is no ${resolve(from, given)}`;
      // The command that needs the model looks for it on the hub.
      if (found === null && field === "model" && parseHubModel(given) !== null) return given;
      if (found === null) missing.push(new InvalidArgumentError(field, problem));
      return found ?? given;
    });
    if (missing.length > 0) throw joinInvalid(missing);
    return checkRunConfig(located);
  } catch (thrown) {
    if (!(thrown instanceof InvalidArgumentError)) throw thrown;
    throw new ConfigFileError(path, thrown);
  }
}

/**
 * Adapts a config for a cluster that mounts a folder of this machine at another path, as a
 * container does, by replacing the path prefix.
 *
 * @throws InvalidArgumentError naming the field whose path is not in the folder
 */
export function moveConfig(config: RunConfig, folder: { from: string; to: string }): RunConfig {
  return replacePaths(config, (field, path) => {
    if (field === "model" && parseHubModel(path) !== null) return path;
    const inside = relative(folder.from, path);
    if (inside.startsWith("..") || isAbsolute(inside)) {
      throw new InvalidArgumentError(field, `${path} is not in ${folder.from}`);
    }
    return posix.join(folder.to, ...inside.split(sep));
  });
}

/**
 * Opens the inputs that a config names, so that a faulty model folder, dataset or module is
 * reported before any process starts.
 *
 * @throws InvalidArgumentError naming every faulty field; ModuleError
 */
export async function checkInputs(config: RunConfig): Promise<void> {
  const wrong: InvalidArgumentError[] = [];
  const collected = async (check: () => Promise<void>) => {
    try {
      await check();
    } catch (thrown) {
      if (!(thrown instanceof InvalidArgumentError)) throw thrown;
      wrong.push(thrown);
    }
  };
  await collected(() => checkModel(config));
  for (const kind of ["train", "validation", "report"] as const) {
    await collected(async () => (await openEnvironment(config, kind))?.close());
  }
  if (wrong.length > 0) throw joinInvalid(wrong);
}

async function checkModel(config: RunConfig): Promise<void> {
  if (config.type === "sft" && config.init.type === "new") {
    await inModel(async () => {
      const assets = await readAssets(config.model);
      await openTokenizer({ dir: config.model, assets, config: null });
    });
  } else {
    await inModel(async () => {
      const folder = await openModelFolder(config.model);
      await folder.close();
      checkRank(config, folder.config);
      requireEndToken(config.model, await openTokenizer(folder));
    });
  }
}

/** Prefixes an error about a folder with the field that names the folder. */
async function inModel(open: () => Promise<void>): Promise<void> {
  try {
    await open();
  } catch (cause) {
    const isFolder = cause instanceof ClusterError && cause.code === "INVALID_ARGUMENT";
    if (!isFolder || cause instanceof InvalidArgumentError) throw cause;
    throw new InvalidArgumentError("model", cause.message, { cause });
  }
}

/** Returns the absolute path of a config's path; null when the file does not exist. */
function locate(text: string, from: string): string | null {
  const places = [resolve(from, text), resolve(text)];
  return places.find((place) => existsSync(place)) ?? null;
}
