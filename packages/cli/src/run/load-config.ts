import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, posix, relative, resolve, sep } from "node:path";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { openModelFolder, Tokenizer } from "@gumshoe/engine";
import { openEnvironment } from "@gumshoe/environments";
import { checkRunConfig, parseRunConfig, replacePaths, type RunConfig } from "@gumshoe/protocol";

import { FileError } from "../errors.js";

/** Reads a file that a user named. */
export function readUserFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const missing = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    throw new FileError(path, missing ? "there is no such file" : errorMessage(thrown), thrown);
  }
}

/**
 * Reads a run config and makes the paths in it absolute: they are relative to the config's folder or,
 * where nothing is there, to the working directory.
 *
 * @param name  replaces the run's name; null keeps it
 */
export function loadRunConfig(path: string, name: string | null): RunConfig {
  const config = parseRunConfig(readUserFile(path), { fileName: path });
  const from = dirname(resolve(path));
  const located = replacePaths(config, (field, text) => locate(field, text, from));
  return checkRunConfig(name === null ? located : { ...located, name });
}

/**
 * Returns a config for a cluster that sees a folder of this machine in another place, as a container
 * does: the paths in it move along.
 *
 * @throws InvalidArgumentError naming the field whose path is not in the folder
 */
export function moveConfig(config: RunConfig, folder: { from: string; to: string }): RunConfig {
  return replacePaths(config, (field, path) => {
    const inside = relative(folder.from, path);
    if (inside.startsWith("..") || isAbsolute(inside)) {
      throw new InvalidArgumentError(field, `${path} is not in ${folder.from}`);
    }
    return posix.join(folder.to, ...inside.split(sep));
  });
}

/**
 * Opens what a config names, so that a broken model folder, dataset or module is told before anything starts.
 */
export async function checkInputs(config: RunConfig): Promise<void> {
  if (config.type === "sft" && config.init.type === "new") {
    await Tokenizer.load(config.model);
  } else {
    const folder = await openModelFolder(config.model);
    await folder.close();
    Tokenizer.fromAssets(folder.assets);
  }
  for (const kind of ["train", "validation"] as const) {
    await (await openEnvironment(config, kind))?.close();
  }
}

function locate(field: string, text: string, from: string): string {
  const beside = resolve(from, text);
  const here = resolve(text);
  if (existsSync(beside)) return beside;
  if (existsSync(here)) return here;
  throw new InvalidArgumentError(field, `there is no ${beside}`);
}
