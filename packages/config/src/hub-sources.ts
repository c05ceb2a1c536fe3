import { isHubFile } from "./hub-file.js";
import { mapSources, type SingleSource, singleSources } from "./mixed-sources.js";
import type { RunConfig } from "./run-config.js";
import { allSources, mapRunSources } from "./run-sources.js";
import type { SingleSourceConfig, TaskSourceConfig } from "./task-source.js";

/** A field of a config that names a file on the hub. */
export interface HubFileField {
  /** Config path of the field, e.g. `tasks.source.file`. */
  readonly field: string;
  /** Name of the file, as the field has it. */
  readonly file: string;
  /** What reads the file: questions with their answers, or Temporal Clue cases. */
  readonly type: "file" | "dataset";
}

/** Lists the files on the hub that the sources of a run name, or a source by itself. */
export function hubFiles(
  of: RunConfig | { readonly field: string; readonly source: TaskSourceConfig },
): HubFileField[] {
  const singles = "source" in of ? singleSources(of.field, of.source) : allSources(of);
  return singles.flatMap(({ field, source }) => {
    if (!isOnHub(source)) return [];
    return [{ field: `${field}.file`, file: source.file, type: source.type }];
  });
}

/** Returns the config with the names of files on the hub replaced. */
export function replaceHubFiles(
  config: RunConfig,
  replace: (field: string, file: string) => string,
): RunConfig {
  return mapRunSources(config, replaceOne(replace));
}

/** Returns a source with the names of files on the hub replaced. */
export function replaceSourceFiles(
  { field, source }: { readonly field: string; readonly source: TaskSourceConfig },
  replace: (field: string, file: string) => string,
): TaskSourceConfig {
  return mapSources(field, source, replaceOne(replace));
}

function replaceOne(replace: (field: string, file: string) => string) {
  return ({ field, source }: SingleSource): SingleSourceConfig =>
    isOnHub(source) ? { ...source, file: replace(`${field}.file`, source.file) } : source;
}

function isOnHub(
  source: SingleSourceConfig,
): source is Extract<SingleSourceConfig, { type: "file" | "dataset" }> {
  return (source.type === "file" || source.type === "dataset") && isHubFile(source.file);
}
