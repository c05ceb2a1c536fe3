import { posix } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";

import { isHubFile } from "./hub-file.js";
import { parsePinnedModel } from "./hub-model.js";
import type { SingleSource } from "./mixed-sources.js";
import type { RunConfig } from "./run-config.js";
import { allSources, mapRunSources } from "./run-sources.js";
import type { SingleSourceConfig } from "./task-source.js";

/** A file or folder that a config names. */
export interface NamedPath {
  /** Config path of the field, e.g. `tasks.source.file`. */
  readonly field: string;
  readonly path: string;
  readonly kind: "model" | "dataset" | "module";
}

/** Lists the files and folders that a config names. A model on the hub at one commit is none, nor is a file on the hub. */
export function namedPaths(config: RunConfig): NamedPath[] {
  const { model } = config;
  return [
    ...(parsePinnedModel(model) === null
      ? [{ field: "model", path: model, kind: "model" } as const]
      : []),
    ...allSources(config)
      .flatMap(pathsOf)
      .filter(({ path, kind }) => kind !== "dataset" || !isHubFile(path)),
  ];
}

function pathsOf({ field, source }: SingleSource): NamedPath[] {
  switch (source.type) {
    case "dataset":
      return [{ field: `${field}.file`, path: source.file, kind: "dataset" }];
    case "module":
      return [{ field: `${field}.module`, path: source.module, kind: "module" }];
    case "file": {
      const { file, grader } = source;
      const module = { field: `${field}.grader.module`, kind: "module" } as const;
      return [
        { field: `${field}.file`, path: file, kind: "dataset" },
        ...(grader.type === "module" ? [{ ...module, path: grader.module }] : []),
      ];
    }
    case "generate":
    case "zebra":
    case "http":
      return [];
    default:
      return source satisfies never;
  }
}

/** Lists the servers that a config names: the field and the URL of each. */
export function namedServers(
  config: RunConfig,
): { readonly field: string; readonly url: string }[] {
  return allSources(config).flatMap(({ field, source }) =>
    source.type === "http" ? [{ field: `${field}.url`, url: source.url }] : [],
  );
}

/** Returns the config with all its paths replaced; a model on the hub at one commit and a file on the hub stay. */
export function replacePaths(
  config: RunConfig,
  replace: (field: string, path: string) => string,
): RunConfig {
  const replaceFile = (field: string, file: string) =>
    isHubFile(file) ? file : replace(field, file);
  const fixOne = ({ field, source }: SingleSource): SingleSourceConfig => {
    switch (source.type) {
      case "dataset":
        return { ...source, file: replaceFile(`${field}.file`, source.file) };
      case "module":
        return { ...source, module: replace(`${field}.module`, source.module) };
      case "file": {
        const file = replaceFile(`${field}.file`, source.file);
        if (source.grader.type !== "module") return { ...source, file };
        const module = replace(`${field}.grader.module`, source.grader.module);
        return { ...source, file, grader: { ...source.grader, module } };
      }
      default:
        return source;
    }
  };
  const { model } = config;
  const isPinned = parsePinnedModel(model) !== null;
  const located = { ...config, model: isPinned ? model : replace("model", model) };
  return mapRunSources(located, fixOne);
}

/**
 * Makes the paths in a config absolute.
 *
 * @param folder  absolute path, on the coordinator's machine, that relative paths start from; null
 *   leaves the config unchanged
 * @throws        InvalidArgumentError when the folder is a relative path
 */
export function resolvePaths(config: RunConfig, folder: string | null): RunConfig {
  if (folder === null) return config;
  if (!posix.isAbsolute(folder)) {
    throw new InvalidArgumentError("folder", `${folder.slice(0, 200)} is not an absolute path`);
  }
  return replacePaths(config, (_field, path) => posix.resolve(folder, path));
}
