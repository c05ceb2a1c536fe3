import type { SingleSourceConfig, TaskSourceConfig } from "./task-source.js";

/** A source that is no mix, and where it stands in the config. */
export interface SingleSource {
  /** Path of its field, e.g. `tasks.source` or `tasks.source.sources.0.source`. */
  readonly field: string;
  readonly source: SingleSourceConfig;
}

/** Lists the sources of a mix; any other source is the only one of itself. */
export function singleSources(field: string, source: TaskSourceConfig): SingleSource[] {
  if (source.type !== "mix") return [{ field, source }];
  return source.sources.map((part, index) => ({
    field: `${field}.sources.${index}.source`,
    source: part.source,
  }));
}

/** Replaces the sources of a mix one by one, or a source that is none. */
export function mapSources(
  field: string,
  source: TaskSourceConfig,
  map: (single: SingleSource) => SingleSourceConfig,
): TaskSourceConfig {
  if (source.type !== "mix") return map({ field, source });
  const singles = singleSources(field, source);
  const sources = source.sources.map((part, index) => {
    const single = singles[index];
    return single === undefined ? part : { ...part, source: map(single) };
  });
  return { ...source, sources };
}
